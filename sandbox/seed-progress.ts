import type { OnProgress } from './seed-context.ts';

/** Seeding told in lines, one for each phase that was finished: enough for a person, quiet enough for a pipe. */
export function progressLines(say: (line: string) => void): OnProgress {
  const told = new Set<string>();
  return ({ phase, done, total }) => {
    if (done < total || told.has(phase)) return;
    told.add(phase);
    say(`Seeded ${phase}: ${total}`);
  };
}

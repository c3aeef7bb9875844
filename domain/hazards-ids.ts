import type { Found } from './discovered.ts';
import type { Hazard } from './hazards.ts';

/** The largest integer that a JSON number holds exactly in JavaScript. */
const SAFE = 2n ** 53n;
/** From this version on the client reads larger ids exactly. */
const EXACT_NODE = 22;
/** Fewer ids tell nothing of how they were made. */
const ENOUGH = 10;
/** A counter of a textbook's passages stays below, and a hash of 31 bits does not. */
const COUNTERS = 2n ** 24n;
const BITS_31 = 2n ** 31n;
const RANDOM_UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4/i;

/** What the ids of the points tell. */
export function idHazards({ qdrant, postgres }: Found, nodeMajor: number): Hazard[] {
  const ids = qdrant?.sample.map(({ id }) => id) ?? [];
  const numbers = ids.filter((id) => /^\d+$/.test(id)).map(BigInt);
  const hazards: Hazard[] = [];
  if (numbers.some((id) => id > SAFE)) hazards.push(largeIds(nodeMajor));
  if (numbers.length >= ENOUGH && numbers.every((id) => id < BITS_31) && mostly(numbers, (id) => id > COUNTERS))
    hazards.push({
      name: 'hashed-ids',
      state: 'warning',
      message:
        'the ids look like Python’s hash(), which is another one in every process: whoever ingests again makes duplicates and overwrites nothing',
      next: 'Make ids of what a passage is (UUID version 5), and reindex into a fresh collection: `dr start reindex`.',
    });
  if (ids.length >= ENOUGH && ids.every((id) => RANDOM_UUID.test(id)) && (postgres?.ids.length ?? 0) > 0)
    hazards.push({
      name: 'random-ids',
      state: 'warning',
      message:
        'the ids are random, and rows hold them: a store that is restored alone, from another time than the other, no longer fits it',
      next: 'Restore both from one recovery set; `dr start partial-loss` and `dr start postgres` compare both ways.',
    });
  return hazards;
}

function largeIds(nodeMajor: number): Hazard {
  const old = nodeMajor < EXACT_NODE;
  const here = old ? `, and this Node ${nodeMajor} is one of them` : '';
  return {
    name: 'large-ids',
    state: old ? 'broken' : 'warning',
    message: `some ids are beyond 2^53: programs on Node before ${EXACT_NODE} round them without a word${here}`,
    next: 'Look at everything that reads and writes points, and run it on a newer Node.',
  };
}

function mostly<T>(all: readonly T[], holds: (one: T) => boolean): boolean {
  return all.filter(holds).length * 10 >= all.length * 9;
}

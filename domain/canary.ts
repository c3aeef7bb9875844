import type { Gate } from './verdict.ts';

/** The section that the canary's chunk belongs to: no golden question asks for it. */
export const CANARY_SECTION = 'recovery-canary';

/** A paragraph that is like no other set's, and says what it is to whoever meets it. */
export function canaryText(environment: string, setId: string): string {
  return (
    `Recovery canary of ${environment}, planted for ${setId}. This paragraph belongs to no chapter: it stands among the ` +
    'chunks so that a restored copy can prove which backup it came from.'
  );
}

/** Where the canary was looked for, and what stood there; `undefined` where nothing did. */
interface Seen {
  readonly vectors?: unknown;
  readonly outside?: unknown;
}

/** One gate for each place. A set without a canary proves nothing here. */
export function canaryGates(text: string | undefined, seen: Seen): Gate[] {
  const places = [
    ['canary among the vectors', seen.vectors],
    ['canary outside the stores', seen.outside],
  ] as const;
  return places.map(([name, found]): Gate => {
    const expected = 'the paragraph that was planted for this very set';
    if (text === undefined) return { name, verdict: 'unproven', expected, observed: 'no canary was planted' };
    const observed = found === text ? 'found' : found === undefined ? 'nothing there' : `another text: ${short(found)}`;
    return { name, verdict: found === text ? 'pass' : 'fail', expected, observed };
  });
}

function short(found: unknown): string {
  return JSON.stringify(found).slice(0, 120);
}

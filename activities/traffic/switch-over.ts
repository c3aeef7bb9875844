import { RecoveryError } from '../../domain/failures.ts';
import { sameTargets, type TrafficRouter, type TrafficState } from '../../domain/traffic.ts';
import { sleep } from '../sleep.ts';

/** How often in a row a change is tried that does not show, with a look in between. */
const TRIES = 5;
const PAUSE_MS = 100;

/** The router did not take a change, because what the change rests on is no longer there: to be looked at again. */
export class Stale extends Error {
  override readonly name = 'Stale';
}

export interface Switch {
  readonly expected: TrafficState;
  readonly to: readonly string[];
}

/** One router, as far as a switch needs to know it. */
export interface Lever<Seen extends TrafficState> {
  readonly what: string;
  look(signal?: AbortSignal): Promise<Seen>;
  /**
   * The next single change on the way from what was seen. Everything is looked at again after it.
   * @throws Stale, RecoveryError
   */
  change(seen: Seen, to: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Whether this switch leaves the router so when it is broken off: a worker that died goes on from there. */
  isHalfWay?(seen: Seen, input: Switch): boolean;
  /** Whether nothing is left to do once the targets are those wanted; they are all there is to it when absent. */
  isDone?(seen: Seen, to: readonly string[]): boolean;
}

/** A router made of looking and changing. */
export function createRouter<Seen extends TrafficState>(lever: Lever<Seen>): TrafficRouter {
  return {
    what: lever.what,
    read: async (signal) => stateOf(await lever.look(signal)),
    point: (input, signal) => switchOver(lever, input, signal),
  };
}

/**
 * Looks, changes, and looks again, until the router says `to`. A change whose answer was lost is looked for before it is
 * repeated, and what somebody else has set is never overwritten.
 */
async function switchOver<Seen extends TrafficState>(
  lever: Lever<Seen>,
  input: Switch,
  signal: AbortSignal | undefined,
): ReturnType<TrafficRouter['point']> {
  if (input.to.length === 0) throw new RecoveryError('TRAFFIC_REFUSED', `${lever.what}: no target to switch to`);
  let switched = false;
  let inVain = 0;
  let problem: unknown;
  for (let before: readonly string[] = []; ;) {
    const seen = await lever.look(signal);
    const there = sameTargets(seen.targets, input.to);
    if (there && (lever.isDone?.(seen, input.to) ?? true)) return { switched, state: stateOf(seen) };
    if (!there && !sameTargets(seen.targets, input.expected.targets) && !lever.isHalfWay?.(seen, input))
      throw changed(lever.what, input, seen);
    inVain = sameTargets(seen.targets, before) ? inVain : 0;
    if (inVain === TRIES) throw problem instanceof RecoveryError ? problem : unmoved(lever.what, seen);
    problem = await attempt(lever, seen, input.to, signal);
    switched ||= !(problem instanceof Stale);
    inVain += 1;
    before = seen.targets;
    if (problem !== undefined) await sleep(PAUSE_MS * inVain, signal);
  }
}

/** What keeps a change from being known to have happened; undefined when nothing does. */
async function attempt<Seen extends TrafficState>(
  lever: Lever<Seen>,
  seen: Seen,
  to: readonly string[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    await lever.change(seen, to, signal);
    return undefined;
  } catch (error) {
    const mayHaveHappened = error instanceof RecoveryError && error.code === 'TRAFFIC_UNREACHABLE';
    if (mayHaveHappened || error instanceof Stale) return error;
    throw error;
  }
}

/** Without whatever else a lever keeps of what it saw: states are recorded. */
function stateOf({ targets, revision }: TrafficState): TrafficState {
  return { targets, revision };
}

function changed(what: string, { expected, to }: Switch, seen: TrafficState): RecoveryError {
  const [was, wanted, is] = [listTargets(expected.targets), listTargets(to), listTargets(seen.targets)];
  return new RecoveryError(
    'TRAFFIC_CHANGED',
    `${what}: it sent to ${was} and was to be switched to ${wanted}, but somebody else has made it send to ${is}`,
  );
}

function unmoved(what: string, seen: TrafficState): RecoveryError {
  const still = listTargets(seen.targets);
  return new RecoveryError('TRAFFIC_REFUSED', `${what}: told ${TRIES} times, it still sends to ${still}`);
}

/** Targets for a message. */
function listTargets(targets: readonly string[]): string {
  return targets.length === 0 ? 'nowhere' : targets.join(', ');
}

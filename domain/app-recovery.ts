import type { AppDiagnosis } from './app-failure.ts';
import type { Deployed, Release } from './deployment.ts';
import { RecoveryError } from './failures.ts';
import type { RecoverySet } from './recovery-set.ts';
import type { ChosenRelease } from './release-choice.ts';
import { sameTargets, type TrafficState } from './traffic.ts';

/** A server of the app, as a runbook may know it. */
export interface AppServer {
  readonly name: string;
  /** How the router calls it. */
  readonly target: string;
  /** How it is reached past the router. Holds no secret. */
  readonly url: string;
  /** What deploys there, in words. */
  readonly deploys: string;
}

/** Where the traffic goes, and which server that is. */
export interface TrafficView {
  /** The router, in words. */
  readonly what: string;
  readonly state: TrafficState;
}

/** Everything that the plan stands on. */
export interface AppAssessment {
  readonly diagnosis: AppDiagnosis;
  readonly traffic: TrafficView;
  /** The server that serves now, and the one that takes over. */
  readonly from: AppServer;
  readonly to: AppServer;
  readonly chosen: ChosenRelease;
  /** What runs on the one that takes over. */
  readonly before: Deployed;
  /** The set whose configuration is restored; none where the server keeps its own. */
  readonly set?: RecoverySet | undefined;
  /** Names of the variables that are handed over. */
  readonly variables: readonly string[];
}

/**
 * The server that the traffic goes to.
 * @throws RecoveryError TRAFFIC_CHANGED when the router sends it to none of the configured ones, or to several
 */
export function serverAt(servers: readonly AppServer[], { what, state }: TrafficView): AppServer {
  const found = servers.find(({ target }) => sameTargets(state.targets, [target]));
  if (found) return found;
  const known = servers.map(({ name, target }) => `${name} (${target})`).join(', ');
  const seen = state.targets.length === 0 ? 'nowhere' : `to ${state.targets.join(', ')}`;
  throw new RecoveryError(
    'TRAFFIC_CHANGED',
    `${what} sends the traffic ${seen}; appServers.servers knows ${known}, and one of them alone must be where it goes`,
  );
}

/**
 * The server that takes over: the one that is named, or the other one.
 * @throws RecoveryError INVALID_INPUT for a name that is none, is live already, or is missing where there are several
 */
export function successorOf(servers: readonly AppServer[], live: AppServer, wanted: string | undefined): AppServer {
  const others = servers.filter(({ name }) => name !== live.name);
  const names = others.map(({ name }) => name).join(', ');
  const [only] = others;
  if (wanted === undefined) {
    if (others.length === 1 && only) return only;
    throw new RecoveryError('INVALID_INPUT', `to: name the server that takes over, one of ${names}`);
  }
  const found = others.find(({ name }) => name === wanted);
  if (found) return found;
  const why = wanted === live.name ? `${wanted} is where the traffic goes already` : `there is no server ${wanted}`;
  throw new RecoveryError('INVALID_INPUT', `to: ${why}; there are ${names}`);
}

/** Whether the server runs the release already, so that nothing needs to be deployed. */
export function runsAlready({ state, release }: Deployed, wanted: Release): boolean {
  return state === 'running' && release === wanted.pinned;
}

import type { Faults } from './faults.ts';
import type { Operations } from './operations.ts';
import type { Limits, NeonSettings } from './settings.ts';
import type { BranchRecord, EndpointRecord, State } from './state.ts';
import { notFound, unprocessable } from './errors.ts';
import type { Store } from './store.ts';
import type { TimeTravel } from './time-travel.ts';
import type { Timelines } from './timelines.ts';

/** Opens and closes the addresses of endpoints. */
export interface Addresses {
  /** A port that no endpoint has. */
  newPort(): Promise<number>;
  open(endpoint: EndpointRecord): Promise<void>;
  close(endpoint: EndpointRecord): Promise<void>;
  /** Ends the connections of an endpoint; its address stays. */
  hangUp(endpoint: EndpointRecord): void;
}

/** Everything that the control plane consists of. */
export interface Plane {
  readonly settings: NeonSettings;
  readonly limits: Limits;
  readonly store: Store;
  readonly state: State;
  readonly faults: Faults;
  readonly timelines: Timelines;
  readonly operations: Operations;
  readonly timeTravel: TimeTravel;
  readonly addresses: Addresses;
}

export const livingBranches = ({ state }: Pick<Plane, 'state'>): BranchRecord[] =>
  Object.values(state.branches).filter(({ deleted }) => deleted === null);

/** A branch that is there. @throws NeonError 404 */
export function branchOf({ state }: Pick<Plane, 'state'>, id: string): BranchRecord {
  const found = state.branches[id];
  if (!found || found.deleted !== null) throw notFound(`branch ${id}`);
  return found;
}

/** A branch that is complete. @throws NeonError 404 or 422 */
export function readyBranchOf(plane: Pick<Plane, 'state'>, id: string): BranchRecord {
  const branch = branchOf(plane, id);
  if (branch.state !== 'ready') throw unprocessable('branch not ready yet');
  return branch;
}

/** @throws NeonError 404 */
export function endpointOf({ state }: Pick<Plane, 'state'>, id: string): EndpointRecord {
  const found = state.endpoints[id];
  if (!found || found.deleted) throw notFound(`endpoint ${id}`);
  return found;
}

export const endpointsOf = ({ state }: Pick<Plane, 'state'>, branch?: string): EndpointRecord[] =>
  Object.values(state.endpoints).filter((one) => !one.deleted && (branch === undefined || one.branch === branch));

export const childrenOf = (plane: Pick<Plane, 'state'>, branch: string): BranchRecord[] =>
  livingBranches(plane).filter(({ parent }) => parent === branch);

/**
 * What sends the readers' requests to one of the app's servers: a proxy, a load balancer, a name, or a book that was built with an
 * address in it. A router is asked before it is changed, and changes only what it was seen to say: who changed it in between is
 * never overwritten.
 */
export interface TrafficState {
  /** Where new requests go, as the router names it: `127.0.0.1:8000`, an origin, an address. Several where it spreads them. */
  readonly targets: readonly string[];
  /** What stands for the configuration as it was read (an ETag, a time of change); null where the router has none. */
  readonly revision: string | null;
}

export interface TrafficRouter {
  /** In words for a plan: `Caddy at http://127.0.0.1:2019, @id app-proxy`. Holds no secret. */
  readonly what: string;
  /** @throws RecoveryError TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED */
  read(signal?: AbortSignal): Promise<TrafficState>;
  /**
   * Sends new requests to `to` alone; those under way end where they are. Done already is no error. After an answer that was lost
   * it looks before it repeats.
   * @throws RecoveryError TRAFFIC_CHANGED when the router says neither `expected` nor `to` (somebody else changed it), with what it
   * says; TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED
   */
  point(
    input: { readonly expected: TrafficState; readonly to: readonly string[] },
    signal?: AbortSignal,
  ): Promise<{ readonly switched: boolean; readonly state: TrafficState }>;
}

/** Whether two lists name the same targets, in whatever order. */
export function sameTargets(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n');
}

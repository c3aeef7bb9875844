import type { Discovery } from '../domain/discovery.ts';

/** Looking without a run. */
export interface DiscoveryActivities {
  /**
   * Looks at the configured stack, reading only: which field, table and path is which, a proposed configuration, and what will
   * hurt in a recovery. Less than 64 kB, and no secret. With `hazardsOnly` Postgres is not asked.
   */
  discoverStack(input: { hazardsOnly: boolean }): Promise<Discovery>;
}

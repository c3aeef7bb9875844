import type { Faults } from './faults.ts';
import type { Jobs } from './jobs.ts';
import type { CloudSettings } from './options.ts';
import type { Places } from './places.ts';
import type { CloudState } from './state.ts';

/** What every service of the stand-in works on. */
export interface Ground {
  readonly state: CloudState;
  readonly faults: Faults;
  readonly jobs: Jobs;
  readonly places: Places;
  readonly delays: CloudSettings['delays'];
  readonly accountId: string;
  /** Tells whoever runs the stand-in what the API has no words for. */
  readonly tell: (message: string) => void;
}

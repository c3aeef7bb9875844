import { type Counts, describeCounts } from '../../domain/damage.ts';
import { describeCount } from '../../domain/format.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import { readSet } from '../lines.ts';
import type { Work } from '../progress.ts';
import { checkCanary } from './canary.ts';
import { checkRetrieval } from './golden.ts';
import { reconcileIndexes } from './parts.ts';
import type { StackPorts } from './ports.ts';

interface Restored {
  readonly set: RecoverySet;
  /** Collection with the restored vectors. */
  readonly scratch: string;
}

/** What only shows when the restored parts stand side by side: questions, the canary, vectors against rows. */
export async function checkTogether(
  // Without the app: it asks the live collection, whatever was restored beside it.
  ports: Omit<StackPorts, 'app' | 'rows'>,
  { set, scratch }: Restored,
  work: Work,
): Promise<Gate[]> {
  const questions = await checkRetrieval(ports, { collection: scratch, set, sections: [] }, work);
  const canary = set.canary ? await checkCanary(ports, { set, scratch }, work) : [];
  return [...questions, ...canary, ...(set.postgres?.index ? [await checkAgreement(ports, set)] : [])];
}

/**
 * Vectors and rows disagree on what the manifest says, and on nothing that did not change meanwhile. By the indexes of both:
 * that what was restored is what the indexes say, point by point and row by row, are gates of their own, and to read
 * everything once more would prove nothing besides.
 */
async function checkAgreement({ store }: Pick<StackPorts, 'store'>, set: RecoverySet): Promise<Gate> {
  const { counts, tally } = await reconcileIndexes(store, set, await readSet(store, set.drift?.list));
  return {
    name: 'vectors and rows together',
    verdict: sameCounts(counts, set.disagreements) ? 'pass' : 'fail',
    expected: `${describeCounts(set.disagreements)}, as the manifest says`,
    observed: `${describeCounts(counts)}: ${describeCount(tally.live)} points, ${describeCount(tally.rows)} rows`,
  };
}

function sameCounts(a: Counts, b: Counts): boolean {
  return (Object.keys(a) as (keyof Counts)[]).every((name) => a[name] === b[name]);
}

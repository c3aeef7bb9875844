import type { Gate } from '../../domain/verdict.ts';
import { type Counts, DamageSummariser, describeCounts } from '../../domain/damage.ts';
import { describeCount } from '../../domain/format.ts';
import { reconcile } from '../../domain/reconcile.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { RowStore } from '../../domain/row-store.ts';
import { parseIndexLine } from '../../domain/lines.ts';
import { openLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import { checkCanary } from './canary.ts';
import { checkRetrieval } from './golden.ts';
import type { StackPorts } from './ports.ts';

interface Restored {
  readonly set: RecoverySet;
  /** Collection with the restored vectors, and the rows of the restored database. */
  readonly scratch: string;
  readonly rows: RowStore | undefined;
}

/** What only shows when the restored parts stand side by side: questions, the canary, vectors against rows. */
export async function checkTogether(
  // Without the app: it asks the live collection, whatever was restored beside it.
  ports: Omit<StackPorts, 'app' | 'rows'>,
  { set, scratch, rows }: Restored,
  work: Work,
): Promise<Gate[]> {
  const questions = await checkRetrieval(ports, { collection: scratch, set, sections: [] }, work);
  const canary = set.canary ? await checkCanary(ports, { set, scratch }, work) : [];
  return [...questions, ...canary, ...(rows ? [await checkAgreement(ports, { set, scratch, rows }, work)] : [])];
}

/** Restored vectors and restored rows disagree on what the manifest says, and on nothing that did not change meanwhile. */
async function checkAgreement(
  { vectors, store }: Pick<StackPorts, 'vectors' | 'store'>,
  { set, scratch, rows }: Restored & { rows: RowStore },
  { signal }: Work,
): Promise<Gate> {
  const changed = new Set<string>();
  if (set.drift?.list)
    for await (const batch of openLines(store, set.drift.list, (line) => line)) for (const id of batch) changed.add(id);
  const summary = new DamageSummariser();
  const tally = await reconcile(
    vectors.readIndex(scratch, 'content', signal),
    rows.readRows(signal),
    openLines(store, set.qdrant.index, parseIndexLine),
    (findings) => summary.add(findings.filter(({ id }) => !changed.has(id))),
  );
  const { counts } = summary.summary(tally);
  return {
    name: 'restored stores together',
    verdict: sameCounts(counts, set.disagreements) ? 'pass' : 'fail',
    expected: `${describeCounts(set.disagreements)}, as the manifest says`,
    observed: `${describeCounts(counts)}: ${describeCount(tally.live)} points, ${describeCount(tally.rows)} rows`,
  };
}

function sameCounts(a: Counts, b: Counts): boolean {
  return (Object.keys(a) as (keyof Counts)[]).every((name) => a[name] === b[name]);
}

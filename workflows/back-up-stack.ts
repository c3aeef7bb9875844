import { uuid4, workflowInfo } from '@temporalio/workflow';
import { type Counts, describeCounts, totalOf } from '../domain/damage.ts';
import { describeCount } from '../domain/format.ts';
import { setIdOf } from '../domain/names.ts';
import type { Tally } from '../domain/reconcile.ts';
import { draftSet } from '../domain/recovery-set.ts';
import { backUpInputSchema } from '../domain/run-input.ts';
import type { Gate } from '../domain/verdict.ts';
import { runbook } from './runbook.ts';

const steps = {
  index: { title: 'Read every point into the id index', phase: 'restore' },
  snapshot: { title: 'Snapshot the collection into the store', phase: 'restore' },
  dump: { title: 'Dump Postgres at one moment', phase: 'restore' },
  golden: { title: 'Ask the golden questions', phase: 'restore' },
  agree: { title: 'Compare the stores', phase: 'verify' },
  seal: { title: 'Seal the set under one manifest', phase: 'reopen' },
} as const;

/** Takes one recovery set that binds the backups of all parts. Nothing on the stack is written. */
export const backUpStack = runbook(
  { scenario: 'backup', input: backUpInputSchema, steps, success: 'completed' },
  async (run) => {
    const { collection, collectionName, hasPostgres } = run.settings;
    const takenAt = workflowInfo().startTime;
    const setId = setIdOf(takenAt, uuid4().slice(0, 6));
    const folder = `sets/${setId}`;
    // The index first and the comparison last: whatever changed while the snapshot was taken shows between the two.
    const { index, points } = await run.must(
      'index',
      (act) => act.captureIndex({ collection, folder }),
      (read) => `${describeCount(read.points)} points`,
    );
    const { snapshot, described } = await run.must(
      'snapshot',
      async (act) => ({
        described: await act.describeCollection({ collection }),
        snapshot: await act.captureCollection({ collection, folder }),
      }),
      (taken) => `${describeCount(taken.snapshot.bytes)} bytes, ${describeCount(taken.described.points)} points`,
    );
    const postgres = hasPostgres
      ? await run.must(
          'dump',
          (act) => act.dumpDatabase({ folder }),
          ({ lsn, dump }) => `${describeCount(dump.files.reduce((sum, { bytes }) => sum + bytes, 0))} bytes at ${lsn}`,
        )
      : undefined;
    const golden = await run.must('golden', (act) => act.captureGolden({ collection, folder }));
    const parts = { name: collectionName, collection, snapshot, index, ...described };
    const draft = draftSet(run.settings, {
      id: setId,
      takenAt: takenAt.toISOString(),
      qdrant: parts,
      ...(postgres ? { postgres } : {}),
      golden,
    });
    const { counts, tally } = await run.must(
      'agree',
      (act) => act.reconcileStack({ collection, set: draft, depth: 'content', folder }),
      (found) => describeCounts(found.counts),
    );
    await run.must(
      'seal',
      (act) => act.sealRecoverySet({ set: { ...draft, disagreements: counts } }),
      () => setId,
    );
    run.learn({ set: setId });
    // A damaged stack is backed up all the same, and without waiting for anybody: what is whole may be needed tonight.
    run.judge([indexGate(described.points, points), agreementGate(counts, tally)]);
  },
);

/** The snapshot and the index were read one after the other; a different count means that the set is torn. */
function indexGate(counted: number, read: number): Gate {
  return {
    name: 'id index',
    verdict: counted === read ? 'pass' : 'fail',
    expected: `${describeCount(counted)} points, as counted before the snapshot`,
    observed: `${describeCount(read)} points in the index`,
  };
}

/** What was backed up was whole. Vectors without a row beside it are told, and do no harm. */
function agreementGate(counts: Counts, { live, rows }: Tally): Gate {
  const { orphan: _harmless, ...wrong } = counts;
  return {
    name: 'the stores agree',
    verdict: totalOf({ ...wrong, orphan: 0 }) === 0 ? 'pass' : 'fail',
    expected: 'nothing missing, unbacked, stale or malformed when the set was taken',
    observed: `${describeCounts(counts)}: ${describeCount(live)} points, ${describeCount(rows)} rows`,
  };
}

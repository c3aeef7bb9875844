import { uuid4, workflowInfo } from '@temporalio/workflow';
import { describeCount } from '../domain/format.ts';
import { setIdOf } from '../domain/names.ts';
import { backUpInputSchema } from '../domain/run-input.ts';
import type { Gate } from '../domain/verdict.ts';
import { runbook } from './runbook.ts';

const steps = {
  snapshot: { title: 'Snapshot the collection into the store', phase: 'restore' },
  index: { title: 'Read every point into the id index', phase: 'restore' },
  dump: { title: 'Dump Postgres at one moment', phase: 'restore' },
  golden: { title: 'Ask the golden questions', phase: 'restore' },
  seal: { title: 'Seal the set under one manifest', phase: 'restore' },
  agree: { title: 'Verify: the parts agree', phase: 'verify' },
} as const;

/** Takes one recovery set that binds the backups of all parts. Nothing on the stack is written. */
export const backUpStack = runbook(
  { scenario: 'backup', input: backUpInputSchema, steps, success: 'completed' },
  async (run) => {
    const { collection, collectionName, hasPostgres } = run.settings;
    const takenAt = workflowInfo().startTime;
    const setId = setIdOf(takenAt, uuid4().slice(0, 6));
    const folder = `sets/${setId}`;
    const { snapshot, described } = await run.must(
      'snapshot',
      async (act) => ({
        described: await act.describeCollection({ collection }),
        snapshot: await act.captureCollection({ collection, folder }),
      }),
      (taken) => `${describeCount(taken.snapshot.bytes)} bytes, ${describeCount(taken.described.points)} points`,
    );
    const { index, points } = await run.must(
      'index',
      (act) => act.captureIndex({ collection, folder }),
      (read) => `${describeCount(read.points)} points`,
    );
    const dump = hasPostgres
      ? await run.must(
          'dump',
          (act) => act.dumpDatabase({ folder }),
          ({ lsn, dump }) => `${describeCount(dump.bytes)} bytes at ${lsn}`,
        )
      : undefined;
    const golden = await run.must('golden', (act) => act.captureGolden({ collection, folder }));
    const { set } = await run.must(
      'seal',
      (act) =>
        act.sealRecoverySet({
          setId,
          takenAt: takenAt.toISOString(),
          qdrant: { name: collectionName, collection, snapshot, ...described },
          index,
          ...(dump ? { postgres: dump } : {}),
          golden,
        }),
      (sealed) => sealed.set.id,
    );
    run.learn({ set: set.id });
    await run.verify('agree', async () => [indexGate(described.points, points)]);
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

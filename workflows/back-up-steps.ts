/** What a backup captures, part by part. */
import { CANARY_SECTION } from '../domain/canary.ts';
import type { BackupPlan } from '../activities/set-contract.ts';
import * as backup from '../domain/backup.ts';
import { describeCounts } from '../domain/damage.ts';
import { describeCount } from '../domain/format.ts';
import { setFolderOf } from '../domain/names.ts';
import type { Tally } from '../domain/reconcile.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { Canary, ConfigurationPart, PostgresPart } from '../domain/set-parts.ts';
import type { Run } from './run.ts';

/** The steps of a backup, in the order in which the checklist shows them. */
export const steps = {
  plan: { title: 'See what belongs into a set, and what the store enforces', phase: 'detect' },
  canary: { title: 'Plant the canary in both stores', phase: 'restore' },
  golden: { title: 'Ask the golden questions', phase: 'restore' },
  branch: { title: 'Branch the database on Neon', phase: 'restore' },
  index: { title: 'Read every point into the id index', phase: 'restore' },
  snapshot: { title: 'Snapshot the collection into the store', phase: 'restore' },
  others: { title: 'Snapshot other nodes and collections', phase: 'restore' },
  cloud: { title: 'Back up the cluster on Qdrant Cloud', phase: 'restore' },
  dump: { title: 'Dump Postgres at one moment', phase: 'restore' },
  configuration: { title: 'Keep configuration and release', phase: 'restore' },
  agree: { title: 'Compare the stores, and what changed meanwhile', phase: 'verify' },
  seal: { title: 'Seal the set under one manifest', phase: 'reopen' },
  objects: { title: 'Read everything back', phase: 'verify' },
  record: { title: 'Write the record of the verification', phase: 'verify' },
} as const;

/** A run of a backup. */
export type BackupRun = Run<keyof typeof steps>;

interface Place {
  readonly id: string;
  readonly folder: string;
}

export function describePlan({ store }: BackupPlan): string {
  const enforced = store.capabilities.filter((capability) => capability.enforced).map(({ name }) => name);
  return `store: ${store.kind}, enforces ${enforced.join(', ') || 'nothing'}`;
}

export function describeConfiguration({ files, variables, release }: ConfigurationPart): string {
  return `${files.length} files, ${variables.length} variables, ${backup.describeRelease(release)}`;
}

/** The paragraph goes in before anything is read, so that every restored copy can be asked which set it is. */
export async function plantCanary(
  run: BackupRun,
  plan: BackupPlan,
  { id, folder }: Place,
): Promise<Canary | undefined> {
  if (!plan.canary) return undefined;
  const { collection, hasRows } = run.settings;
  return run.must('canary', async (act) => {
    const planted = await act.plantCanary({ collection, setId: id, folder });
    if (hasRows) await act.plantCanaryRow({ ...planted, section: CANARY_SECTION });
    return { ...planted, inRows: hasRows };
  });
}

/** The index first and the comparison last: whatever changed while the snapshot was taken shows between the two. */
export async function captureVectors(
  run: BackupRun,
  plan: BackupPlan,
  { id, folder }: Place,
): Promise<{ qdrant: RecoverySet['qdrant']; read: number }> {
  const { collection, collectionName } = run.settings;
  const { index, points: read } = await run.must(
    'index',
    (act) => act.captureIndex({ collection, folder }),
    ({ points }) => `${describeCount(points)} points`,
  );
  const { snapshot, sample, described } = await run.must(
    'snapshot',
    async (act) => ({
      described: await act.describeCollection({ collection }),
      snapshot: await act.captureCollection({ collection, folder }),
      sample: await act.captureSample({ collection, folder, index }),
    }),
    (taken) => `${describeCount(taken.snapshot.bytes)} bytes, ${describeCount(taken.described.points)} points`,
  );
  const more = plan.others ? await captureOthers(run, folder) : {};
  const cloud = plan.cloud ? { cloud: await captureCloud(run, plan.cloud, id) } : {};
  return {
    qdrant: { name: collectionName, collection, snapshot, index, sample, ...described, ...more, ...cloud },
    read,
  };
}

function captureOthers(run: BackupRun, folder: string): Promise<Partial<RecoverySet['qdrant']>> {
  return run.must(
    'others',
    (act) => act.captureOthers({ collection: run.settings.collection, folder }),
    ({ nodes = [], others = [] }) => `${nodes.length} nodes, ${others.length} collections`,
  );
}

/** The managed backup holds the whole cluster and stays with the vendor: a second way back, beside the snapshot of ours. */
async function captureCloud(
  run: BackupRun,
  cluster: NonNullable<BackupPlan['cloud']>,
  setId: string,
): Promise<NonNullable<RecoverySet['qdrant']['cloud']>> {
  run.undo('Remove the backup on Qdrant Cloud', (act) => act.deleteBackup({ displayName: setId }));
  const { schedule, made, age } = await run.must(
    'cloud',
    async (act) => ({
      schedule: await act.ensureBackupSchedule({}),
      made: await act.takeManualBackup({ displayName: setId }),
      age: await act.newestBackupAge(),
    }),
    (done) => `backup ${done.made.id}, schedule ${done.schedule.outcome}`,
  );
  run.judge(age.gates);
  const scheduleDifferences = schedule.differences.map(
    ({ field, declared, found }) => `${field}: declared ${declared}, found ${found}`,
  );
  return { ...cluster, backupId: made.id, createdAt: made.createdAt, scheduleDifferences };
}

/** On Neon the dump is of a branch, which stays as the faster way back; elsewhere it is of the database itself. */
export async function captureDatabase(
  run: BackupRun,
  plan: BackupPlan,
  { id, folder }: Place,
): Promise<PostgresPart | undefined> {
  if (!run.settings.hasPostgres) return undefined;
  if (!plan.neon) return run.must('dump', (act) => act.dumpDatabase({ folder }), backup.describeDump);
  run.undo('Remove the backup branch', (act) => act.removeBackupBranch({ setId: id }));
  const { neon, schedule } = await run.must(
    'branch',
    async (act) => ({
      schedule: await act.checkSnapshotSchedule(),
      neon: await act.createBackupBranch({ setId: id }),
    }),
    (made) => `${made.neon.branchName}${made.neon.expiresAt === undefined ? '' : `, until ${made.neon.expiresAt}`}`,
  );
  run.judge(schedule);
  const dumped = await run.must(
    'dump',
    (act) => act.dumpDatabase({ folder, branchId: neon.branchId }),
    backup.describeDump,
  );
  return { ...dumped, neon };
}

/** What the set's own parts disagree on, and what went on while they were captured. */
export async function measureAgreement(
  run: BackupRun,
  draft: RecoverySet,
): Promise<{ set: RecoverySet; tally: Tally }> {
  const { collection } = run.settings;
  const { compared, drift } = await run.must(
    'agree',
    async (act) => {
      const compared = await act.compareParts({ collection, set: draft, folder: setFolderOf(draft.id) });
      const rows = draft.postgres ? backup.rowDrift(draft.postgres.rows, await act.countRows()) : {};
      return { compared, drift: { ...compared.drift, rows } };
    },
    (found) => `${describeCounts(found.compared.disagreements)}; meanwhile: ${backup.describeDrift(found.drift)}`,
  );
  return { set: { ...draft, disagreements: compared.disagreements, drift }, tally: compared.tally };
}

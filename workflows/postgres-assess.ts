/** What is damaged: the database beside the state of the last set, row by row, and beside the vectors. */
import { type Counts } from '../domain/damage.ts';
import { LIVE, type Place, type Survey, type TableDiff } from '../domain/database-state.ts';
import { scratchDatabaseOf } from '../domain/names.ts';
import * as loss from '../domain/postgres-loss.ts';
import * as recovery from '../domain/postgres-recovery.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { PostgresInput } from '../domain/run-input.ts';
import { failureWith } from './failure.ts';
import type { Hands } from './hands.ts';
import { type DatabaseRun, databaseOf } from './postgres-steps.ts';

/** Reads only, but for what it makes beside and takes away again. */
export async function assessDatabase(run: DatabaseRun, input: PostgresInput): Promise<loss.DatabaseAssessment> {
  const { setId, restartCompute = false } = input;
  const settings = databaseOf(run);
  const chosen = await run.must(
    'chooseSet',
    (act) => act.chooseRecoverySet({ setId }),
    ({ set, why }) => `${set.id}: ${why}`,
  );
  run.learn({ set: chosen.set.id });
  if (!chosen.set.postgres) throw failureWith('SET_MISMATCH', `${chosen.set.id} has no part of Postgres`);
  const { place: reference, at: referenceAt } = await makeReadable(run, chosen.set);
  const found = await run.must(
    'assess',
    async (act) => {
      if (restartCompute) await act.restartCompute({});
      const before = surveyOf(await act.surveyDatabase({ place: reference }), 'the state of the set');
      loss.mustBelongTo(run.settings.environment, before, chosen.set.id);
      const live = await act.surveyDatabase({ place: LIVE });
      const now = 'survey' in live ? live.survey : undefined;
      if (now) loss.mustBelongTo(run.settings.environment, now, 'the database');
      const missing = 'missing' in live ? live.missing : undefined;
      const states = { reference, referenceAt, before, now, missing, tolerance: settings.tolerance };
      return { ...chosen, ...states, ...(await compare(act, run, { ...chosen, reference, before, now })) };
    },
    loss.describeLoss,
  );
  run.learn({ rpo: recovery.measureDatabaseLoss(found, nothingCarried(run, found), run.faultDeclaredAt) });
  return found;
}

function nothingCarried(run: DatabaseRun, { set }: loss.DatabaseAssessment) {
  const { chunks, messages } = databaseOf(run);
  return { carried: [], chunksLost: 0, healedFrom: Date.parse(set.takenAt), messages, chunks };
}

interface Reference {
  readonly place: Place;
  readonly at?: loss.DatabaseAssessment['referenceAt'];
}

/** The branch that was made for the set, while it is there; else its dump comes up beside. */
async function makeReadable(run: DatabaseRun, set: RecoverySet): Promise<Reference> {
  const scratch = scratchDatabaseOf(set.id, run.runId);
  return run.must(
    'reference',
    async (act) => {
      const branch = databaseOf(run).history ? await branchOf(act, set) : undefined;
      if (branch) return branch;
      run.cleanUp(`remove database ${scratch}`, (undo) => undo.dropScratchDatabase({ scratch }));
      await act.restoreDumpBeside({ set, scratch });
      return { place: { kind: 'beside', database: scratch } };
    },
    ({ place }) => (place.kind === 'branch' ? `branch ${place.branchId}` : `restored into ${scratch}`),
  );
}

/** Neon may not tell of which moment a branch is; then it is not younger than the branch itself. */
async function branchOf(act: Hands, { postgres }: RecoverySet): Promise<Reference | undefined> {
  if (!postgres?.neon) return undefined;
  const { branchId, parentTimestamp } = postgres.neon;
  const { ready, createdAt } = await act.findBranch({ branchId });
  if (!ready) return undefined;
  const at = parentTimestamp ?? createdAt;
  const exact = parentTimestamp !== undefined;
  return { place: { kind: 'branch', branchId }, ...(at === undefined ? {} : { at: { at, exact } }) };
}

function surveyOf(seen: { survey: Survey } | { missing: string }, what: string): Survey {
  if ('survey' in seen) return seen.survey;
  throw failureWith('POSTGRES_REFUSED', `${what}: ${seen.missing}`);
}

type Compared = Pick<loss.DatabaseAssessment, 'diffs' | 'lost' | 'vectors'>;

async function compare(
  act: Hands,
  run: DatabaseRun,
  { set, reference, before, now }: { set: RecoverySet; reference: Place; before: Survey; now: Survey | undefined },
): Promise<Compared> {
  if (!now) return { diffs: [], lost: [], vectors: undefined };
  const settings = databaseOf(run);
  const tables = loss.comparableTables(before, now);
  const folder = `${run.folder}/assess`;
  const diffs = await act.compareDatabases({ earlier: reference, later: LIVE, tables, folder });
  const chunks = await judgeChunks(act, run, diffs);
  const vectors = await compareVectors(act, run, { set, now });
  return { diffs, lost: loss.lostRows(diffs, chunks, settings), vectors };
}

/** A chunk that the vectors no longer have either was taken away on purpose. */
async function judgeChunks(act: Hands, run: DatabaseRun, diffs: readonly TableDiff[]) {
  const table = databaseOf(run).chunks;
  const diff = diffs.find((one) => one.table === table);
  if (!diff || diff.removed.count + diff.changed.count === 0) return undefined;
  const { collection } = run.settings;
  const judged = await act.judgeLostChunks({ diff, collection, folder: `${run.folder}/assess` });
  return { table: diff.table, ...judged };
}

async function compareVectors(
  act: Hands,
  run: DatabaseRun,
  { set, now }: { set: RecoverySet; now: Survey },
): Promise<Counts | undefined> {
  const { chunks } = databaseOf(run);
  // Of a table without a row every vector is an orphan, which is no news.
  if (chunks === undefined || (now.tables[chunks]?.rows ?? 0) === 0) return undefined;
  const { collection } = run.settings;
  const { counts } = await act.reconcileStack({ collection, set, depth: 'content', folder: `${run.folder}/assess` });
  return counts;
}

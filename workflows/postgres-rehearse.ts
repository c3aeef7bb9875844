/** What would come back, and what of the later rows can be kept: tried out beside, before anybody approves. */
import { type Carried, LIVE, type Place } from '../domain/database-state.ts';
import { recoveryBranchOf, recoveryDatabaseOf } from '../domain/names.ts';
import * as loss from '../domain/postgres-loss.ts';
import * as recovery from '../domain/postgres-recovery.ts';
import type { DatabasePlanBasis } from '../domain/postgres-plan.ts';
import type { PostgresInput } from '../domain/run-input.ts';
import type { Hands } from './hands.ts';
import { keptBranches } from './postgres-search.ts';
import { type DatabaseRun, databaseOf } from './postgres-steps.ts';

interface Rehearsed {
  readonly rehearsal: recovery.Rehearsal;
  readonly basis: DatabasePlanBasis;
}

/** The state to go back to comes up beside; the later rows are carried into it as they will be for real. */
export async function rehearse(
  run: DatabaseRun,
  input: PostgresInput,
  found: loss.DatabaseAssessment,
  target: recovery.Target,
): Promise<Rehearsed> {
  const settings = databaseOf(run);
  return run.must(
    'rehearse',
    async (act) => {
      const beside = await bringUp(act, run, found, target);
      const rehearsal = await tryOut(act, run, { input, found, beside });
      const { fence } = settings;
      const { dropOrphans = false } = input;
      if (target.kind !== 'history') {
        const keptAs = recoveryDatabaseOf('before', run.runId);
        const basis = {
          target,
          rehearsal,
          fenced: fence,
          name: `database ${settings.database}`,
          keptAs,
          children: 0,
          dropOrphans,
        };
        return { rehearsal, basis };
      }
      const { before, after } = keptBranches(run);
      await act.removeRecoveryBranches({ runId: run.runId, keep: [before, after] });
      // Counted when our own are gone.
      const { branchName, children } = await act.readNeonHistory();
      const basis = {
        target,
        rehearsal,
        fenced: fence,
        name: `branch ${branchName}`,
        keptAs: before,
        children,
        dropOrphans,
      };
      return { rehearsal, basis };
    },
    ({ rehearsal }) => recovery.describeCarried(rehearsal.carried),
  );
}

async function bringUp(
  act: Hands,
  run: DatabaseRun,
  { set }: loss.DatabaseAssessment,
  target: recovery.Target,
): Promise<Place> {
  if (target.kind === 'history') {
    const name = recoveryBranchOf(run.runId, 'rehearsal');
    return { kind: 'branch', ...(await act.makeRecoveryBranch({ name, at: target.at })) };
  }
  const { database } = target;
  run.cleanUp(`remove database ${database}`, (undo) => undo.dropDatabase({ database }));
  if (target.kind === 'set') await act.restoreDatabase({ set, database });
  else await act.restorePlainDump({ file: target.file, database });
  return { kind: 'beside', database };
}

async function tryOut(
  act: Hands,
  run: DatabaseRun,
  { input, found, beside }: { input: PostgresInput; found: loss.DatabaseAssessment; beside: Place },
): Promise<recovery.Rehearsal> {
  const survey = await act.surveyDatabase({ place: beside });
  if ('missing' in survey) return { diffs: [], carried: [], broken: 0 };
  loss.mustBelongTo(run.settings.environment, survey.survey, 'the state to go back to');
  if (!found.now) return { diffs: [], carried: [], broken: 0 };
  const folder = `${run.folder}/rehearse`;
  const tables = loss.comparableTables(survey.survey, found.now);
  const diffs = await act.compareDatabases({ earlier: beside, later: LIVE, tables, folder });
  const carried = await carry(act, run, { input, from: LIVE, to: beside, tables });
  const after = await act.surveyDatabase({ place: beside });
  const broken = 'survey' in after ? after.survey.broken.reduce((sum, { rows }) => sum + rows, 0) : 0;
  return { diffs, carried, broken };
}

/** Later rows of every table that is to keep them. */
export function carry(
  act: Hands,
  run: DatabaseRun,
  { input, from, to, tables }: { input: PostgresInput; from: Place; to: Place; tables: readonly string[] },
): Promise<Carried[]> {
  const { notCarried, carryUpdates } = databaseOf(run);
  const left = new Set([...notCarried, ...(input.leave ?? [])]);
  const wanted = tables.filter((table) => !left.has(table));
  // One folder for every attempt: by it rows that the rehearsal has carried into the same target are known again.
  return act.carryRows({ from, to, tables: wanted, updates: carryUpdates, folder: `${run.folder}/carry` });
}

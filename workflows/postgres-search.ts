/** What to go back to: the last good moment of the history, or a dump. */
import { type Look, type Moment } from '../domain/database-state.ts';
import { conclude, type Found, nextProbe, type Probe, type Search } from '../domain/last-good-moment.ts';
import { recoveryBranchOf, recoveryDatabaseOf } from '../domain/names.ts';
import * as loss from '../domain/postgres-loss.ts';
import type * as recovery from '../domain/postgres-recovery.ts';
import type { PostgresInput } from '../domain/run-input.ts';
import type { NeonHistory } from '../activities/postgres-contract.ts';
import { describeSeconds } from '../domain/format.ts';
import { failureWith } from './failure.ts';
import { handsWith } from './hands.ts';
import { type DatabaseRun, databaseOf } from './postgres-steps.ts';

/** Names of the branches that stay when a run is over: what was replaced, and what replaced it when that was taken back. */
export function keptBranches(run: DatabaseRun): { before: string; after: string } {
  return { before: recoveryBranchOf(run.runId, 'before'), after: recoveryBranchOf(run.runId, 'after') };
}

/** @throws NO_GOOD_MOMENT, MOMENT_REFUSED */
export async function chooseTarget(
  run: DatabaseRun,
  input: PostgresInput,
  found: loss.DatabaseAssessment,
): Promise<recovery.Target> {
  const database = recoveryDatabaseOf('restore', run.runId);
  if (input.plainDump !== undefined)
    return { kind: 'file', file: input.plainDump, database, how: 'asked for in the input' };
  if (input.from === 'history' && !databaseOf(run).history)
    throw failureWith('INVALID_INPUT', 'from: there is no history to go back in: neon is not configured');
  if (input.from === 'set') return { kind: 'set', database, how: 'asked for in the input' };
  if (!databaseOf(run).history) {
    if (input.at !== undefined)
      throw failureWith('INVALID_INPUT', 'at: there is no history to go back in: neon is not configured');
    return { kind: 'set', database, how: 'there is no history to go back in' };
  }
  const { before, after } = keptBranches(run);
  run.cleanUp('remove the branches made for looking', (act) =>
    act.removeRecoveryBranches({ runId: run.runId, keep: [before, after] }),
  );
  // Kept when the step is tried again: what was looked at stays looked at.
  const probes: Probe[] = [];
  return run.must(
    'moment',
    async (act) => {
      const history = await act.readNeonHistory();
      if (history.refusal !== undefined) throw failureWith('NEON_REFUSED', history.refusal);
      if (input.at !== undefined) return given(run, input, found, history);
      const [mark] = await act.listMarks({ after: found.set.takenAt });
      const search = { ...searchOf(run, found, history), hint: mark && Date.parse(mark.at) };
      await bisect(run, input, found, { search, probes });
      return targetOf(run, conclude(search, probes), history);
    },
    describeChoice,
  );
}

function describeChoice(target: recovery.Target): string {
  const moment = target.kind === 'history' ? ('lsn' in target.at ? target.at.lsn : target.at.timestamp) : target.kind;
  return `${moment}: ${target.how}`;
}

/** The operator knows best, but is told what is wrong with the moment. */
async function given(
  run: DatabaseRun,
  input: PostgresInput,
  found: loss.DatabaseAssessment,
  { lastResetAt }: NeonHistory,
): Promise<recovery.Target> {
  const at: Moment = input.at?.includes('/')
    ? { lsn: input.at }
    : { timestamp: new Date(input.at ?? '').toISOString() };
  const look = await lookAt(run, input, found, at, 1);
  const how = look.good
    ? 'given in the input, and a good state'
    : `given in the input, THOUGH ${look.reasons.join('; ')}`;
  return { kind: 'history', at, lastResetAt, how };
}

function searchOf(run: DatabaseRun, found: loss.DatabaseAssessment, { from }: NeonHistory): Search {
  const { resolutionSeconds, maxProbes } = databaseOf(run);
  const { referenceAt, set } = found;
  const setAt = Date.parse(referenceAt?.at ?? set.takenAt);
  const begin = Date.parse(from);
  // The set's own moment is good by what it was compared with; every other one must be looked at.
  const proven = referenceAt?.exact === true && setAt >= begin;
  return {
    from: { at: Math.max(setAt, begin), proven },
    until: found.now === undefined ? Date.now() : Date.parse(found.now.at),
    resolution: resolutionSeconds * 1000,
    maxProbes,
  };
}

async function bisect(
  run: DatabaseRun,
  input: PostgresInput,
  found: loss.DatabaseAssessment,
  { search, probes }: { search: Search; probes: Probe[] },
): Promise<void> {
  for (let at = nextProbe(search, probes); at !== undefined; at = nextProbe(search, probes)) {
    const moment = { timestamp: new Date(at).toISOString() };
    probes.push({ at, look: await lookAt(run, input, found, moment, probes.length + 1) });
  }
}

function lookAt(
  run: DatabaseRun,
  { predicate }: PostgresInput,
  found: loss.DatabaseAssessment,
  at: Moment,
  number: number,
): Promise<Look> {
  const name = recoveryBranchOf(run.runId, `probe-${number}`);
  const when = 'lsn' in at ? at.lsn : at.timestamp;
  const act = handsWith(`Look at ${when} (probe ${number})`);
  return act.probeMoment({ name, at, expected: loss.expectationOf(found, predicate) });
}

function targetOf(run: DatabaseRun, result: Found, { lastResetAt }: NeonHistory): recovery.Target {
  if (result.kind === 'none')
    throw failureWith(
      'NO_GOOD_MOMENT',
      `no moment of the history is good: at its beginning ${result.reasons.join('; ') || 'it was not what it must be'}`,
    );
  const { good, bad, probes, monotonic, coarse, reasons } = result;
  if (!monotonic)
    run.note('the database was damaged, mended and damaged again: the last good moment is after the mending');
  const exactly = `${describeSeconds((bad - good) / 1000)} before ${reasons[0] ?? 'it is damaged'}`;
  const how = `the last good one, ${exactly}; ${probes} probes${coarse ? ', and no more are allowed' : ''}`;
  const [from, to] = [new Date(good).toISOString(), new Date(bad).toISOString()];
  return { kind: 'history', at: { timestamp: from }, lastResetAt, how, happened: `between ${from} and ${to}` };
}

import type { TableDiff } from './database-state.ts';
import { describeCount } from './format.ts';
import type { Place } from './partial-loss-plan.ts';
import type { Plan } from './plan.ts';
import { type DatabaseAssessment, describeLoss } from './postgres-loss.ts';
import { describeCarried, type Rehearsal, type Target } from './postgres-recovery.ts';

/** Measured on two cores (`npm run bench`), and rounded up: Neon documents seconds for a restore of any size. */
const RESTORE_SECONDS = 20;
const CARRIED_PER_SECOND = 5_000;
const RESTORED_BYTES_PER_SECOND = 10_000_000;
const FIXED_SECONDS = 20;

/** What the plan stands on, besides the damage. */
export interface DatabasePlanBasis {
  readonly target: Target;
  readonly rehearsal: Rehearsal;
  /** Whether the app has a switch that keeps it from writing. */
  readonly fenced: boolean;
  /** What the database is called where it is written to: branch or database. */
  readonly name: string;
  /** What it was goes on as this. */
  readonly keptAs: string;
  /** Whether vectors without a row are taken away, and not given one. */
  readonly dropOrphans: boolean;
  /** Branches of sets that move with what is kept, and keep it from being removed. */
  readonly children: number;
}

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planPostgres(found: DatabaseAssessment, basis: DatabasePlanBasis, place: Place): Plan {
  const { target, rehearsal, name } = basis;
  const { environment, runId } = place;
  return {
    version: 1,
    scenario: 'postgres',
    environment,
    target: `Postgres (${name})`,
    runId,
    reason: describeLoss(found) + ('happened' in target && target.happened ? `; it happened ${target.happened}` : ''),
    steps: [
      ...fenceStep(basis),
      ...restoreSteps(basis),
      reconnectStep(basis),
      {
        step: 'verify',
        what: 'structure, foreign keys, every lost row, golden questions to their sources, sessions to their chunks',
      },
      commitStep(basis, place),
    ],
    loss: describeWhatIsLost(basis),
    expectedSeconds: forecast(found, basis),
    basis: {
      set: found.set.id,
      target: describeTarget(target),
      ...Object.fromEntries(
        rehearsal.diffs.map(({ table, removed }) => [`comes back to ${table}`, removed.artifact.sha256]),
      ),
      ...Object.fromEntries(rehearsal.carried.map(({ table, keys }) => [`kept of ${table}`, keys.artifact.sha256])),
    },
  };
}

/** `the moment 2026-11-24T02:10:04.120Z` */
export function describeTarget(target: Target): string {
  if (target.kind === 'set') return 'the dump of the set';
  if (target.kind === 'file') return `the dump ${target.file}, made by hand`;
  return 'lsn' in target.at ? `the position ${target.at.lsn}` : `the moment ${target.at.timestamp}`;
}

function fenceStep({ fenced }: DatabasePlanBasis): Plan['steps'] {
  const what = fenced
    ? 'switch the app to read-only, and try to write through it'
    : 'leave the app as it is: no app.maintenance is configured';
  const why = fenced
    ? 'nothing is written between the two states'
    : 'what it writes until the switch is carried over; what it writes in the middle of it may fail';
  return [{ step: 'fence', what, why }];
}

function restoreSteps({ target, rehearsal, name, keptAs }: DatabasePlanBasis): Plan['steps'] {
  const later = rehearsal.carried.reduce((sum, one) => sum + one.carried + one.updated, 0);
  const carry = {
    step: 'carryOver',
    what: `carry ${describeCount(later)} later rows over, and what comes until the switch`,
    why: 'one transaction for tables that belong together; nothing is overwritten',
  };
  if (target.kind === 'history') {
    const restore = {
      step: 'restore',
      what: `restore ${name} to ${describeTarget(target)}; what it is now is kept as ${keptAs}`,
      why: target.how,
    };
    return [restore, ...(later > 0 ? [carry] : [])];
  }
  const swap = {
    step: 'restore',
    what: `bring ${target.database} up as ${name}; what it is now is kept as ${keptAs}`,
    why: target.how,
  };
  return [...(later > 0 ? [carry] : []), swap];
}

function reconnectStep({ dropOrphans }: DatabasePlanBasis): Plan['steps'][number] {
  const orphans = dropOrphans ? 'remove vectors without a row' : 'rebuild missing rows from what points carry';
  return {
    step: 'reconnect',
    what: `compare vectors and rows both ways; ${orphans}, and embed again what differs`,
    why: 'rows that went back may no longer be what the vectors say',
  };
}

function commitStep(
  { keptAs, children }: DatabasePlanBasis,
  { commitWindowMinutes, faultDeclaredAt }: Place,
): Plan['steps'][number] {
  const open =
    commitWindowMinutes > 0
      ? `keep it open to rollBack for ${commitWindowMinutes} min, then release ${keptAs}`
      : `release ${keptAs} at once, without rollBack`;
  const stays =
    children > 0 ? `; ${describeCount(children)} other branches move to it and keep it until they are gone` : '';
  return { step: 'commit', what: open + stays, why: `the RTO counts from ${faultDeclaredAt}` };
}

function describeWhatIsLost({ rehearsal, target }: DatabasePlanBasis): string {
  const { diffs, carried, broken } = rehearsal;
  const back = diffs.flatMap((diff) => comesBack(diff));
  const parts = [
    back.length > 0 ? `comes back: ${back.join(', ')}` : '',
    carried.length > 0
      ? `later rows: ${describeCarried(carried)}`
      : `there is nothing to carry later rows from: what was written after ${describeTarget(target)} is lost`,
    broken > 0 ? `${describeCount(broken)} rows would point to nothing` : '',
  ];
  return `${parts.filter((part) => part !== '').join('. ')}.`;
}

function comesBack({ table, removed, changed }: TableDiff): string[] {
  if (removed.count + changed.count === 0) return [];
  const words = [
    removed.count > 0 ? `${describeCount(removed.count)} rows` : '',
    changed.count > 0 ? `the former content of ${describeCount(changed.count)}` : '',
  ];
  return [`${words.filter((word) => word !== '').join(' and ')} of ${table}`];
}

function forecast({ set }: DatabaseAssessment, { target, rehearsal }: DatabasePlanBasis): number {
  const later = rehearsal.carried.reduce((sum, one) => sum + one.carried, 0);
  const bytes = (set.postgres?.dump.files ?? []).reduce((sum, file) => sum + file.bytes, 0);
  const restore = target.kind === 'history' ? RESTORE_SECONDS : bytes / RESTORED_BYTES_PER_SECOND;
  return Math.ceil(FIXED_SECONDS + restore + later / CARRIED_PER_SECOND);
}

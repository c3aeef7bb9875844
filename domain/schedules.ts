import canonicalize from 'canonicalize';
import { parseCron, renderCron, type Times } from './cron.ts';
import { describeSpan } from './format.ts';
import { scheduleIdOf, taskQueueOf } from './names.ts';

/** When something is done by itself. */
export interface ScheduleTimes {
  /** `minute hour day-of-month month day-of-week`. */
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
}

/**
 * What is done by itself. To add one: a row here, its times in config/schedules.ts, its words in
 * docs/configuration-meanings.ts.
 */
export const SCHEDULES = [
  {
    name: 'backup',
    title: 'Take a recovery set',
    scenario: 'backup',
    workflowType: 'backUpStack',
    input: { reason: 'by schedule' },
  },
  {
    name: 'verification',
    title: 'Restore the newest recovery set for trial',
    scenario: 'verify-set',
    workflowType: 'verifyRecoverySet',
    input: { level: 'full', reason: 'by schedule' },
  },
] as const;
export type ScheduleName = (typeof SCHEDULES)[number]['name'];

/** A run that the scheduler missed (Temporal was down) is made up for within an hour, and not at a bad time later. */
const CATCH_UP_MS = 3_600_000;

/** A schedule as it is meant to be. */
export interface DeclaredSchedule {
  readonly id: string;
  readonly name: ScheduleName;
  readonly title: string;
  readonly times: Times;
  readonly timeZone: string;
  readonly workflowType: string;
  /** Beginning of the ids of its runs; the scheduler adds the time. */
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly input: object;
  readonly catchUpMs: number;
}

/** What of a schedule is compared, in words, by the name of the field. */
export type ScheduleFacts = Readonly<Record<keyof typeof FIELDS, string>>;

const FIELDS = {
  times: 'times (minute hour day month weekday)',
  timeZone: 'time zone',
  limits: 'first and last day, jitter, exceptions',
  workflow: 'workflow',
  workflowId: 'ids of its runs',
  taskQueue: 'task queue',
  input: 'input',
  overlap: 'what happens while the last run still works',
  catchUp: 'how late a missed run may start',
  pauseOnFailure: 'pause after a failed run',
} as const;

/** One field in which a schedule is not what it is meant to be. */
export interface ScheduleDrift {
  readonly field: string;
  readonly declared: string;
  readonly found: string;
}

/** Every schedule of an environment. @throws Error for times that the configuration should have refused */
export function declareSchedules(
  environment: string,
  settings: Readonly<Record<ScheduleName, ScheduleTimes>>,
): DeclaredSchedule[] {
  return SCHEDULES.map(({ name, title, scenario, workflowType, input }) => {
    const { cron, timeZone } = settings[name];
    const times = parseCron(cron);
    if (!times) throw new Error(`schedules.${name}.cron: ${cron} is no cron expression`);
    return {
      id: scheduleIdOf(environment, name),
      name,
      title,
      times,
      timeZone,
      workflowType,
      workflowId: `${scenario}/${environment}/scheduled`,
      taskQueue: taskQueueOf(environment),
      input,
      catchUpMs: CATCH_UP_MS,
    };
  });
}

/** A declared schedule in the words in which it is compared. */
export function factsOf(declared: DeclaredSchedule): ScheduleFacts {
  return {
    times: renderCron(declared.times),
    timeZone: declared.timeZone,
    limits: 'none',
    workflow: declared.workflowType,
    workflowId: declared.workflowId,
    taskQueue: declared.taskQueue,
    input: describeInput([declared.input]),
    overlap: 'SKIP',
    catchUp: describeMinutes(declared.catchUpMs),
    pauseOnFailure: 'no',
  };
}

/** Every field that differs; none when the schedule is what was declared. */
export function driftOf(declared: ScheduleFacts, found: ScheduleFacts): ScheduleDrift[] {
  return (Object.keys(FIELDS) as (keyof typeof FIELDS)[])
    .filter((field) => declared[field] !== found[field])
    .map((field) => ({ field: FIELDS[field], declared: declared[field], found: found[field] }));
}

/** The arguments of a workflow in one form, to compare inputs by. */
export function describeInput(args: readonly unknown[]): string {
  return canonicalize(args) ?? '';
}

/** `60 min`, to compare spans by. */
export function describeMinutes(milliseconds: number): string {
  return `${milliseconds / 60_000} min`;
}

/** How late a run may be before the scheduler is not believed any more, as a part of the time between two. */
const LATE = 0.5;
const HOUR_MS = 3_600_000;

/**
 * What shows that the scheduler does not do what it says: a sentence, or `undefined`. `last` is when it last started a run,
 * or when the schedule was made.
 */
export function latenessOf(
  { next: [first, second], last }: { readonly next: readonly Date[]; readonly last: Date },
  now: Date,
): string | undefined {
  if (first === undefined) return 'it has no next run';
  if (now.getTime() - first.getTime() > HOUR_MS)
    return `its next run was due at ${first.toISOString()}, and has not begun`;
  if (second === undefined) return undefined;
  const between = second.getTime() - first.getTime();
  const since = now.getTime() - last.getTime();
  if (since <= between * (1 + LATE) + HOUR_MS) return undefined;
  return `it last ran ${describeSpan(since / 1000)} ago, and should every ${describeSpan(between / 1000)}`;
}

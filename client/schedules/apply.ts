import {
  DAYS_OF_WEEK,
  MONTHS,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
} from '@temporalio/client';
import { isEvery } from '../../domain/cron.ts';
import { scheduleIdOf } from '../../domain/names.ts';
import { type DeclaredSchedule, driftOf, factsOf, type ScheduleDrift } from '../../domain/schedules.ts';
import { CALL_MS, type Temporal } from '../temporal.ts';
import { factsFound } from './found.ts';

/** A declared schedule beside what the server has of it; `found` is absent when it has none. */
export interface Compared {
  readonly declared: DeclaredSchedule;
  readonly found: ScheduleDescription | undefined;
  readonly drift: readonly ScheduleDrift[];
}

/** What `apply` did about one schedule. */
export interface Applied {
  readonly id: string;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  readonly drift: readonly ScheduleDrift[];
  readonly paused: boolean;
}

/** Compares with the server, which answers for one schedule without delay. */
export async function compareSchedule(temporal: Temporal, declared: DeclaredSchedule): Promise<Compared> {
  const found = await describeSchedule(temporal, declared.id);
  return { declared, found, drift: found ? driftOf(factsOf(declared), factsFound(found)) : [] };
}

/** A schedule of the server, or `undefined`. */
export async function describeSchedule(temporal: Temporal, id: string): Promise<ScheduleDescription | undefined> {
  const { client, within } = temporal;
  try {
    return await within(CALL_MS, () => client.schedule.getHandle(id).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** Schedules of the environment that nobody declared. Lists lag behind by a moment. */
export async function undeclaredSchedules(
  { client, within }: Temporal,
  environment: string,
  declared: readonly DeclaredSchedule[],
): Promise<string[]> {
  const prefix = scheduleIdOf(environment, '');
  return within(CALL_MS, async () => {
    const ids: string[] = [];
    for await (const { scheduleId } of client.schedule.list())
      if (scheduleId.startsWith(prefix) && !declared.some(({ id }) => id === scheduleId)) ids.push(scheduleId);
    return ids.toSorted();
  });
}

/** Makes the schedule what was declared, and touches nothing when it is. A pause, and its note, stay as they are. */
export async function applySchedule(temporal: Temporal, declared: DeclaredSchedule, by: string): Promise<Applied> {
  const { client, within } = temporal;
  const { found, drift } = await compareSchedule(temporal, declared);
  if (!found) return createSchedule(temporal, declared, by);
  const applied = { id: declared.id, drift, paused: found.state.paused };
  if (drift.length === 0) return { ...applied, outcome: 'unchanged' };
  const { scheduleId: _id, memo: _memo, ...options } = optionsOf(declared, by);
  await within(CALL_MS, () =>
    client.schedule.getHandle(declared.id).update(({ state, typedSearchAttributes }) => ({
      ...options,
      typedSearchAttributes,
      state,
    })),
  );
  return { ...applied, outcome: 'changed' };
}

async function createSchedule(temporal: Temporal, declared: DeclaredSchedule, by: string): Promise<Applied> {
  const options = { ...optionsOf(declared, by), state: { note: `applied by ${by}` } };
  try {
    await temporal.within(CALL_MS, () => temporal.client.schedule.create(options));
    return { id: declared.id, outcome: 'created', drift: [], paused: false };
  } catch (error) {
    // Somebody else has just created it: what they created is compared like any other.
    if (error instanceof ScheduleAlreadyRunning) return applySchedule(temporal, declared, by);
    throw error;
  }
}

function optionsOf(declared: DeclaredSchedule, by: string): ScheduleOptions {
  const { times, input } = declared;
  const all = <T>(field: keyof typeof times, value: (number: number) => T): T[] | '*' =>
    isEvery(field, times[field]) ? '*' : times[field].map(value);
  const same = (value: number): number => value;
  return {
    scheduleId: declared.id,
    spec: {
      calendars: [
        {
          minute: all('minute', same),
          hour: all('hour', same),
          dayOfMonth: all('dayOfMonth', same),
          month: all('month', (month) => MONTHS[month - 1] ?? 'JANUARY'),
          dayOfWeek: all('dayOfWeek', (day) => DAYS_OF_WEEK[day] ?? 'SUNDAY'),
          comment: declared.title,
        },
      ],
      timezone: declared.timeZone,
    },
    action: {
      type: 'startWorkflow',
      workflowType: declared.workflowType,
      workflowId: declared.workflowId,
      taskQueue: declared.taskQueue,
      args: [input],
      memo: { schedule: declared.id, scheduleAppliedBy: by },
      staticSummary: `${declared.title} (by schedule ${declared.name})`,
      staticDetails: `Started by the schedule ${declared.id}, which ${by} applied. What happens now is under *Current Details*.`,
    },
    policies: { overlap: 'SKIP', catchupWindow: declared.catchUpMs, pauseOnFailure: false },
    memo: { createdBy: by },
  };
}

import { DAYS_OF_WEEK, MONTHS, type ScheduleDescription, type ScheduleSpecDescription } from '@temporalio/client';
import { renderCron } from '../../domain/cron.ts';
import { describeInput, describeMinutes, type ScheduleFacts } from '../../domain/schedules.ts';

type Calendar = NonNullable<ScheduleSpecDescription['calendars']>[number];
interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** A schedule of the server in the words in which it is compared with what was declared. */
export function factsFound({ spec, action, policies }: ScheduleDescription): ScheduleFacts {
  return {
    times: timesOf(spec),
    // The server says nothing of a zone that is UTC.
    timeZone: spec.timezone || 'UTC',
    limits: limitsOf(spec),
    workflow: action.workflowType,
    workflowId: action.workflowId,
    taskQueue: action.taskQueue,
    input: describeInput(action.args ?? []),
    overlap: policies.overlap ?? 'not said',
    catchUp: describeMinutes(policies.catchupWindow),
    pauseOnFailure: policies.pauseOnFailure ? 'yes' : 'no',
  };
}

function timesOf({ calendars = [], intervals = [] }: ScheduleSpecDescription): string {
  const every = intervals.map(({ every: milliseconds }) => `every ${describeMinutes(milliseconds)}`);
  return [...calendars.map(cronOf), ...every].join(' and ') || 'never';
}

function cronOf(calendar: Calendar): string {
  const { second, minute, hour, dayOfMonth, year } = calendar;
  const month = calendar.month.map((range) => numbered(range, MONTHS, 1));
  const dayOfWeek = calendar.dayOfWeek.map((range) => numbered(range, DAYS_OF_WEEK, 0));
  const cron = renderCron({
    minute: expand(minute),
    hour: expand(hour),
    dayOfMonth: expand(dayOfMonth),
    month: expand(month),
    dayOfWeek: expand(dayOfWeek),
  });
  const seconds = expand(second).join(',');
  const years = expand(year).join(',');
  return [cron, seconds === '0' ? '' : `at second ${seconds}`, years === '' ? '' : `in ${years}`]
    .filter((part) => part !== '')
    .join(' ');
}

function numbered<T>(
  { start, end, step }: { start: T; end: T; step: number },
  names: readonly T[],
  first: number,
): Range {
  return { start: names.indexOf(start) + first, end: names.indexOf(end) + first, step };
}

function expand(ranges: readonly Range[]): number[] {
  const values = ranges.flatMap(({ start, end, step }) =>
    Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, at) => start + at * step),
  );
  return [...new Set(values)].toSorted((a, b) => a - b);
}

function limitsOf({ startAt, endAt, jitter, skip = [] }: ScheduleSpecDescription): string {
  const parts = [
    startAt && `from ${startAt.toISOString()}`,
    endAt && `until ${endAt.toISOString()}`,
    jitter !== undefined && jitter > 0 && `jitter ${jitter / 1000} s`,
    skip.length > 0 && `not at ${skip.map(cronOf).join(' and ')}`,
  ];
  return parts.filter((part) => typeof part === 'string').join(', ') || 'none';
}

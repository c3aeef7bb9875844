/** The moments that a cron expression means, field by field: a moment counts when it is in all of them. */
export interface Times {
  readonly minute: readonly number[];
  readonly hour: readonly number[];
  readonly dayOfMonth: readonly number[];
  /** 1 is January. */
  readonly month: readonly number[];
  /** 0 is Sunday. */
  readonly dayOfWeek: readonly number[];
}
type Field = keyof Times;

interface Rules {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const RULES: Record<Field, Rules> = {
  minute: { from: 0, to: 59 },
  hour: { from: 0, to: 23 },
  dayOfMonth: { from: 1, to: 31 },
  month: {
    from: 1,
    to: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  // Cron knows Sunday by two numbers.
  dayOfWeek: { from: 0, to: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
};
const FIELDS: readonly Field[] = ['minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'];
const SUNDAY = 7;

/** Reads `minute hour day-of-month month day-of-week`; `undefined` for what is no such expression. */
export function parseCron(text: string): Times | undefined {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) return undefined;
  const read = FIELDS.map((field, at) => [field, parseField(parts[at] ?? '', RULES[field])] as const);
  const values = Object.fromEntries(read);
  const { minute, hour, dayOfMonth, month, dayOfWeek } = values;
  if (!minute || !hour || !dayOfMonth || !month || !dayOfWeek) return undefined;
  return { minute, hour, dayOfMonth, month, dayOfWeek: sorted(dayOfWeek.map((day) => (day === SUNDAY ? 0 : day))) };
}

/** True when every value of the field is meant. */
export function isEvery(field: Field, values: readonly number[]): boolean {
  const { from, to } = RULES[field];
  return values.length === (field === 'dayOfWeek' ? SUNDAY : to - from + 1);
}

/** The expression again, in one form: `15 2 * * *`. */
export function renderCron(times: Times): string {
  return FIELDS.map((field) => (isEvery(field, times[field]) ? '*' : renderField(times[field]))).join(' ');
}

function parseField(text: string, rules: Rules): number[] | undefined {
  const all: number[] = [];
  for (const item of text.toLowerCase().split(',')) {
    const [, range = '', step = '1'] = /^([^/]+)(?:\/([1-9]\d*))?$/.exec(item) ?? [];
    const [first, last = first] =
      range === '*' ? [rules.from, rules.to] : range.split('-').map((end) => valueOf(end, rules));
    // `5/10` means: from 5 to the end, every 10.
    const end = item.includes('/') && !/[-*]/.test(range) ? rules.to : last;
    if (first === undefined || end === undefined || end < first || range.split('-').length > 2) return undefined;
    for (let value = first; value <= end; value += Number(step)) all.push(value);
  }
  return sorted(all);
}

function valueOf(text: string, { from, to, names }: Rules): number | undefined {
  const name = names?.indexOf(text) ?? -1;
  const value = name >= 0 ? name + from : /^\d{1,2}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value >= from && value <= to ? value : undefined;
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].toSorted((a, b) => a - b);
}

/** Runs of three and more are written as ranges. */
function renderField(values: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last && last[1] === value - 1) last[1] = value;
    else runs.push([value, value]);
  }
  return runs
    .flatMap(([from, to]) => (to - from >= 2 ? [`${from}-${to}`] : to === from ? [`${from}`] : [`${from}`, `${to}`]))
    .join(',');
}

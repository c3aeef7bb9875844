import { type Command, InvalidArgumentError } from 'commander';
import type { z } from 'zod';
import { runInputSchema } from '../../domain/run-input.ts';
import { command } from '../command.ts';
import type { Scenario } from '../scenarios.ts';

export interface StartOptions {
  readonly set?: string;
  readonly depth?: string;
  readonly dropOrphans?: boolean;
  readonly reason?: string;
  readonly drill?: boolean;
  readonly faultDeclaredAt?: string;
  readonly commitWindow?: number;
  readonly input?: object;
  readonly wait?: boolean;
  readonly from?: string;
  readonly at?: string;
  readonly predicate?: string;
  readonly plainDump?: string;
  readonly leave?: string[];
  readonly restartCompute?: boolean;
  readonly to?: string;
  readonly replace?: boolean;
  readonly rebuild?: boolean;
  readonly keepOrphans?: boolean;
  readonly sections?: string[];
  readonly keepGone?: boolean;
  readonly onlySource?: boolean;
  readonly release?: string;
  readonly move?: boolean;
}

/** What every recovery takes. */
export function recovery(scenario: Scenario, example: string): Command {
  return common(scenario, example)
    .option(
      '--fault-declared-at <time>',
      'when the fault was declared; the RTO clock runs from here (default: now)',
      time,
    )
    .option(
      '--commit-window <minutes>',
      'time in which `dr rollback` is possible; 0 commits at once (default: that of the environment)',
      (text) => fitting(runInputSchema.shape.commitWindowMinutes)(minutes(text)),
    );
}

export function common(scenario: Scenario, example: string): Command {
  return command(scenario.name, scenario.summary, example)
    .option('--reason <text>', 'why, in a sentence, for the report', fitting(runInputSchema.shape.reason))
    .option('--drill', 'this is practice')
    .option('--input <json>', 'the whole input as one JSON object; options go over it', jsonObject)
    .option('--wait', 'follow the run until it ends; the exit code tells its verdict');
}

/** Options that fill the field of their own name; every command has others besides. */
const FIELDS = [
  'depth',
  'dropOrphans',
  'reason',
  'drill',
  'faultDeclaredAt',
  'from',
  'at',
  'predicate',
  'plainDump',
  'leave',
  'restartCompute',
  'to',
  'replace',
  'rebuild',
  'keepOrphans',
  'sections',
  'keepGone',
  'onlySource',
  'release',
  'move',
] as const satisfies readonly (keyof StartOptions)[];

/** Options that were given, over the JSON that was given. */
export function inputOf(options: StartOptions): object {
  const { set, commitWindow, input } = options;
  const given: [string, unknown][] = [
    ['setId', set],
    ['commitWindowMinutes', commitWindow],
    ...FIELDS.map((name): [string, unknown] => [name, options[name]]),
  ];
  return { ...input, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) };
}

/** Holds an option against the field of the input that it fills, so that what is wrong is said of the option. */
export function fitting<T>(field: z.ZodType<T>): (value: unknown) => T {
  return (value) => {
    const parsed = field.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? 'It does not fit'}.`);
  };
}

/** Any time with a zone, in UTC. */
function time(text: string): string {
  if (/(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('It must be a time with its zone, such as 2026-01-31T08:00:00Z.');
}

export function commaList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

function minutes(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of minutes.');
}

function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be one JSON object.');
}

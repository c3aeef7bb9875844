import { basename } from 'node:path';
import type { z } from 'zod';
import { RecoveryError } from '../domain/failures.ts';
import { likelySetting } from './keys.ts';
import { nearest } from './nearest.ts';
import { settingAt, type Tree } from './tree.ts';
import { variableOf, VARIABLES } from './variables.ts';

/** Where settings came from: what a problem must name, so that somebody can mend it. */
export interface Provenance {
  readonly settings: Tree;
  readonly origins: ReadonlyMap<string, string>;
  readonly file: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly known: readonly string[];
}

/** One sentence or two for each thing that is wrong: which setting, what, and what to do. Values are not repeated. */
export function describeProblems(error: z.ZodError, from: Provenance): string[] {
  return error.issues.flatMap((issue) => {
    const setting = issue.path.join('.');
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownSetting(setting === '' ? key : `${setting}.${key}`, from));
    }
    if (issue.code === 'invalid_type' && settingAt(from.settings, setting) === undefined)
      return [missing(setting, from)];
    return [`${setting}${origin(setting, from)}: ${issue.message}. ${remedy(setting, from)}`];
  });
}

/** The failure that tells every problem at once. */
export function invalidConfiguration(problems: readonly string[]): RecoveryError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.map((problem) => `\n- ${problem}`).join('');
  return new RecoveryError('INVALID_CONFIGURATION', `the configuration has ${count}:${lines}`);
}

function missing(setting: string, from: Provenance): string {
  const variable = variableOf(setting);
  const file = from.file === undefined ? 'recovery.config.json' : basename(from.file);
  if (!variable) return `${setting} is not set. Set it in ${file}.`;
  const unknown = Object.keys(from.env).filter((name) => !VARIABLES.some(({ names }) => names.includes(name)));
  const misspelt = variable.names.flatMap((name) => {
    const like = nearest(
      name,
      unknown.filter((other) => Math.abs(other.length - name.length) <= 2),
    );
    return like === undefined ? [] : [` (${like} is set; was it meant?)`];
  })[0];
  return `${setting} is not set. Set ${variable.names[0]} to ${variable.value}, or ${setting} in ${file}${misspelt ?? ''}.`;
}

function unknownSetting(setting: string, from: Provenance): string {
  const meant = likelySetting(setting, from.known);
  const suggestion = meant === undefined ? 'Take it out.' : `Did you mean ${meant}?`;
  return `${setting}${origin(setting, from)}: there is no such setting. ${suggestion}`;
}

function origin(setting: string, { origins, file }: Provenance): string {
  const name = origins.get(setting);
  if (name !== undefined) return ` (from ${name})`;
  return file === undefined ? '' : ` (in ${basename(file)})`;
}

function remedy(setting: string, { origins, file }: Provenance): string {
  const name = origins.get(setting);
  const value = variableOf(setting)?.value;
  if (name !== undefined) return value === undefined ? `Correct ${name}.` : `Set ${name} to ${value}.`;
  return file === undefined ? 'Correct it.' : `Correct it in ${basename(file)}.`;
}

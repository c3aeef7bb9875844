import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, join, resolve } from 'node:path';
import { isTree, type Tree } from './tree.ts';

const NAMES = ['json', 'mjs', 'js', 'ts'].map((extension) => `recovery.config.${extension}`);

/** What a configuration file says, or why it cannot be read. */
export interface FileSettings {
  /** Absolute path; absent when there is no file, which is fine. */
  readonly path?: string;
  readonly settings: Tree;
  readonly problems: readonly string[];
}

/** Reads the named configuration file, else the one in `cwd`, if any. Errors never quote what the file says. */
export async function readConfigFile(cwd: string, named?: string): Promise<FileSettings> {
  const found = named === undefined ? NAMES.filter((name) => existsSync(join(cwd, name))) : [named];
  const [first, second] = found;
  if (first === undefined) return { settings: {}, problems: [] };
  const path = resolve(cwd, first);
  if (second !== undefined) {
    return { path, settings: {}, problems: [`${first} and ${second} are both there. Keep one of them.`] };
  }
  if (!existsSync(path)) {
    return {
      path,
      settings: {},
      problems: [`${first} is named as the configuration file, and is not there. Correct the path.`],
    };
  }
  const { settings, problem } = extname(path) === '.json' ? await readJson(path) : readModule(path);
  return { path, settings: settings ?? {}, problems: problem === undefined ? [] : [`${basename(path)} ${problem}`] };
}

interface Read {
  readonly settings?: Tree;
  readonly problem?: string;
}

async function readJson(path: string): Promise<Read> {
  try {
    return asSettings(JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, '')));
  } catch (error) {
    // The engine's own message quotes the text around the fault, which may be a password.
    const place = /line \d+ column \d+/.exec(String(error))?.[0];
    const what = error instanceof SyntaxError ? 'is not valid JSON' : 'cannot be read';
    return { problem: `${what}${place === undefined ? '' : ` (${place})`}. Correct the file.` };
  }
}

/** Modules are loaded with `require`, which takes ES modules and TypeScript alike. */
function readModule(path: string): Read {
  try {
    const loaded: unknown = createRequire(import.meta.url)(path);
    const exported = isTree(loaded) && 'default' in loaded ? loaded['default'] : loaded;
    return asSettings(exported);
  } catch (error) {
    const [kind, stack] = error instanceof Error ? [error.name, error.stack ?? ''] : ['an error', ''];
    const line = /^:(\d+)/.exec(stack.split(basename(path))[1] ?? '')?.[1];
    return { problem: `cannot be loaded: ${kind}${line === undefined ? '' : ` at line ${line}`}. Correct the file.` };
  }
}

function asSettings(value: unknown): Read {
  return isTree(value)
    ? { settings: { ...value } }
    : { problem: 'must hold (as a module: export by default) one object. Correct the file.' };
}

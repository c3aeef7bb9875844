import { resolve } from 'node:path';
import type { Tree } from './tree.ts';
import { isTree, settingAt, withSetting } from './tree.ts';
import type { Variable } from './variables.ts';

/** Settings with what the environment says put over them, and which variable each came from. */
export interface FromEnvironment {
  readonly settings: Tree;
  readonly origins: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

/** Puts the environment variables over the settings of the file. Values are never repeated in a problem. */
export function overlayEnvironment(
  settings: Tree,
  { env, cwd, variables }: { env: NodeJS.ProcessEnv; cwd: string; variables: readonly Variable[] },
): FromEnvironment {
  const origins = new Map<string, string>();
  const problems: string[] = [];
  let tree = settings;
  for (const { setting, names, kind } of variables) {
    const [first, ...others] = names.filter((name) => (env[name] ?? '') !== '');
    if (first === undefined) continue;
    const value = env[first] ?? '';
    const differs = others.find((name) => env[name] !== value);
    if (differs !== undefined)
      problems.push(`${setting}: ${first} and ${differs} are both set and differ. Unset one of them.`);
    for (const path of placesOf(tree, setting)) {
      origins.set(path, first);
      tree = withSetting(tree, path, converted(value, kind, cwd));
    }
  }
  return { settings: tree, origins, problems };
}

/** The settings that a variable gives: one, or one in every entry that has use for it. */
function placesOf(tree: Tree, setting: string): string[] {
  const [before, after] = setting.split('.*.');
  if (before === undefined || after === undefined) return [setting];
  const entries = settingAt(tree, before);
  if (!isTree(entries)) return [];
  const holder = after.slice(0, after.lastIndexOf('.'));
  return Object.keys(entries)
    .map((name) => `${before}.${name}`)
    .filter((entry) => isTree(settingAt(tree, `${entry}.${holder}`)))
    .map((entry) => `${entry}.${after}`);
}

/** What is no number, and neither true nor false, stays a string, for the schema to refuse. */
function converted(value: string, kind: Variable['kind'], cwd: string): unknown {
  const text = value.trim();
  if (kind === 'number') return /^\d+$/.test(text) ? Number(value) : value;
  if (kind === 'flag') return text === 'true' || text === 'false' ? text === 'true' : value;
  if (kind === 'list') return text.split(/[\s,]+/).filter((item) => item !== '');
  return kind === 'path' ? resolve(cwd, value) : value;
}

/** Makes the named settings absolute, where they are there: paths, or lists of paths. */
export function withAbsolutePaths(settings: Tree, paths: readonly string[], folder: string): Tree {
  const places = paths.flatMap((path) => placesOf(settings, path));
  return places.reduce((tree, path) => {
    const value = settingAt(tree, path);
    if (Array.isArray(value))
      return withSetting(
        tree,
        path,
        value.map((item) => absolute(item, folder)),
      );
    return typeof value === 'string' && value !== '' ? withSetting(tree, path, resolve(folder, value)) : tree;
  }, settings);
}

/** What is no path is left for the schema to refuse. */
function absolute(item: unknown, folder: string): unknown {
  return typeof item === 'string' && item !== '' ? resolve(folder, item) : item;
}

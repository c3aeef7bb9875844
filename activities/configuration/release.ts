import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import type { Release } from '../../domain/set-parts.ts';
import { refused } from './refusal.ts';
import { type Ended, type Environment, type Run, runProgram } from '../run-program.ts';

/**
 * A working tree may belong to others, so nothing that its own configuration names is run: no hooks, no monitor of the file
 * system, no filters (those are taken away by name), no network.
 */
const SAFE = [
  ...['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'core.pager=cat', 'protocol.allow=never'].flatMap(
    (setting) => ['-c', setting],
  ),
  '--no-optional-locks',
];

/** Which code the app runs. @throws CONFIGURATION_REFUSED for a folder without a commit, or one that Git does not trust */
export async function describeRelease(
  configured: NonNullable<ConfigurationBackupConfig['release']>,
  run: Run,
): Promise<Release | undefined> {
  const { git, image, digest } = configured;
  if (git !== undefined) return describeTree(git, { ...run, environment: withoutGit(run.environment) });
  return image === undefined || digest === undefined ? undefined : { kind: 'image', reference: image, digest };
}

async function describeTree(folder: string, run: Run): Promise<Release> {
  const git = (args: readonly string[], more: Environment = {}): Promise<Ended> =>
    runProgram('git', [...SAFE, '-C', folder, ...args], { ...run, environment: { ...run.environment, ...more } });
  const commit = outputOf(await git(['rev-parse', '--verify', 'HEAD^{commit}']), folder).trim();
  const described = await git(['describe', '--exact-match', '--tags', 'HEAD']);
  const tag = 'stdout' in described ? described.stdout.trim() : undefined;
  const filters = await git(['config', '--null', '--name-only', '--get-regexp', '^filter\\.']);
  const clean = outputOf(await git(STATUS, withoutFilters(filters)), folder) === '';
  const problem = problemOf(commit, tag, clean);
  return { kind: 'git', commit, clean, ...(tag === undefined ? {} : { tag }), ...(problem && { problem }) };
}

/** Submodules have a configuration of their own, so only their commits are compared. */
const STATUS = ['status', '--porcelain', '--untracked-files=normal', '--ignore-submodules=dirty'];

/** Filters have names of any form, so they are taken away by variables, not by arguments. Exit code 1 means that there are none. */
function withoutFilters(listed: Ended): Environment {
  const names = 'stdout' in listed ? listed.stdout.split('\0').filter((name) => name !== '') : [];
  const settings = names.flatMap((name, at) => [
    [`GIT_CONFIG_KEY_${at}`, name],
    [`GIT_CONFIG_VALUE_${at}`, name.endsWith('.required') ? 'false' : ''],
  ]);
  return { GIT_CONFIG_COUNT: String(names.length), ...(Object.fromEntries(settings) as Environment) };
}

function problemOf(commit: string, tag: string | undefined, clean: boolean): string | undefined {
  const short = commit.slice(0, 12);
  const untagged = `commit ${short} has no tag: tag what is released, so that it can be found by name and is not collected`;
  const dirty = `the working tree differs from commit ${short}: what runs is not what a deployment of that commit would bring. Commit it`;
  const problems = [...(tag === undefined ? [untagged] : []), ...(clean ? [] : [dirty])];
  return problems.length === 0 ? undefined : problems.join('; ');
}

function outputOf(ended: Ended, folder: string): string {
  if ('stdout' in ended) return ended.stdout;
  const what = `configuration.release.git: ${folder}`;
  if (/dubious ownership/.test(ended.stderr)) {
    throw refused(
      `${what} belongs to another user, so Git does not read it. As the worker's user: git config --global --add safe.directory ${folder}`,
    );
  }
  if (/not a git repository|cannot change to/.test(ended.stderr)) throw refused(`${what} is no working tree of Git`);
  if (/Needed a single revision/.test(ended.stderr)) throw refused(`${what} has no commit yet`);
  throw refused(`${what}: git ${ended.problem}`);
}

/** GIT_DIR and its like would lead elsewhere than the settings say. */
function withoutGit(environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('GIT_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
}

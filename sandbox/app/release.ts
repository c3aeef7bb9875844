import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { searchPath } from '../../config/search-path.ts';
import { ERRORS } from './faults.ts';
import type { AppFolders } from './places.ts';

const run = promisify(execFile);

/** What a release of the chatbot is: its code is the repository's own, and this says what differs in it. */
export const releaseSchema = z.strictObject({
  version: z.string().min(1),
  /** A mistake that was released with it. */
  mistake: z.enum([...ERRORS, 'crash']).optional(),
});
export type AppRelease = z.infer<typeof releaseSchema>;

/** @throws Error, z.ZodError */
export async function readRelease(file: string): Promise<AppRelease> {
  return releaseSchema.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** Sound ones, and at the end one with a mistake that its health check does not show. */
const RELEASES: readonly AppRelease[] = [
  { version: '1.0.0' },
  { version: '1.1.0' },
  { version: '1.2.0', mistake: 'errors' },
];
/** What runs when a sandbox begins: the newest release waits for its rollout. */
export const FIRST_RELEASE = 'v1.1.0';
export const BAD_RELEASE = 'v1.2.0';

/** Makes the repository with a tag for each release, unless it is there. */
export async function makeRepository(folder: string): Promise<void> {
  if (existsSync(join(folder, '.git'))) return;
  await mkdir(folder, { recursive: true });
  await git(folder, 'init', '--quiet', '--initial-branch=main');
  for (const [at, release] of RELEASES.entries()) {
    await writeFile(join(folder, 'release.json'), `${JSON.stringify(release)}\n`);
    await git(folder, 'add', 'release.json');
    // Tags are told apart by their time, which counts in seconds.
    const date = `2026-01-0${at + 1}T12:00:00Z`;
    const who = ['-c', 'user.name=sandbox', '-c', 'user.email=sandbox@localhost'];
    await run('git', [...who, 'commit', '--quiet', '-m', release.version], {
      cwd: folder,
      env: { ...environment(), GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    });
    await git(folder, 'tag', `v${release.version}`);
  }
}

/** Checks a release out beside the others, and lets `current` mean it. Returns its commit. */
export async function checkOut(repository: string, { releases, current }: AppFolders, ref: string): Promise<string> {
  const commit = (await git(repository, 'rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`)).trim();
  const folder = join(releases, commit);
  await mkdir(releases, { recursive: true });
  if (!existsSync(join(folder, 'release.json'))) {
    const fresh = `${folder}.${process.pid}`;
    await rm(fresh, { recursive: true, force: true });
    await git(releases, 'clone', '--quiet', repository, fresh);
    await git(fresh, 'checkout', '--quiet', '--detach', commit);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  }
  const link = `${current}.next`;
  await rm(link, { force: true });
  await symlink(folder, link);
  await rename(link, current);
  return commit;
}

/** The commit that `current` means; null where nothing is deployed. */
export async function deployedCommit({ current }: AppFolders): Promise<string | null> {
  if (!existsSync(join(current, 'release.json'))) return null;
  return (await git(current, 'rev-parse', 'HEAD')).trim();
}

async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd, env: environment() });
  return stdout;
}

/** Nothing of the person's own settings, whose commits may be signed or named elsewise. */
function environment(): Record<string, string> {
  return {
    PATH: searchPath() ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  };
}

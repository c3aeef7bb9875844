import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HfSpaceDeployConfig } from '../../config/deploy.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Environment, runProgram } from '../run-program.ts';
import { refused } from './input.ts';
import { lastWordsOf, redact } from './redact.ts';

const AWAY =
  /could not resolve|unable to access|timed out|connection (?:refused|reset)|hung up|early EOF|HTTP 5\d\d|error: 5\d\d|error: 429|RPC failed/i;
const DENIED = /authentication failed|403|401|could not read username|permission denied/i;
/** The same release always gives the same commit, so that it is known when it is there already. */
const MAKER = { NAME: 'recovery-runbooks', EMAIL: 'noreply@localhost' };

/** The title of a commit that holds a folder of a release. */
export function titleFor(pinned: string): string {
  return `Release ${pinned}`;
}

/** The release that a commit with this title holds; undefined when it is none of ours. */
export function releaseIn(title: string): string | undefined {
  return /^Release ([0-9a-f]{7,40})$/.exec(title)?.[1];
}

/** A release on its way into the repository of a Space. */
export interface SpaceCommit {
  readonly sha: string;
  /**
   * Makes it what the Space is built from, in place of `before`; what somebody else has put there meanwhile is left.
   * @throws RecoveryError DEPLOY_UNREACHABLE (whether it is there is unknown), DEPLOY_REFUSED
   */
  push(before: string | undefined, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface Git {
  readonly what: string;
  readonly run: (args: readonly string[], more?: Environment) => Promise<string>;
}

/**
 * Fetches the release from its own repository.
 * @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED where there is no such release or folder
 */
export async function fetchRelease(
  config: HfSpaceDeployConfig,
  pinned: string,
  { what, environment, signal }: { what: string; environment: Environment; signal: AbortSignal },
): Promise<SpaceCommit> {
  const folder = await mkdtemp(join(tmpdir(), 'space-push-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const gitIn = (until: AbortSignal): Git => ({
    what,
    run: runner(config, { what, folder, environment, signal: until }),
  });
  try {
    const git = gitIn(signal);
    await git.run(['init', '--quiet', '--bare', '.']);
    await fetch(git, config, pinned);
    const sha = await commitOf(git, config, pinned);
    return { sha, close, push: (before, until) => push(gitIn(until), config, sha, before) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One commit is asked for; where a server gives none by its id, all of them are. A history that is cut off is not taken over there. */
async function fetch({ what, run }: Git, { repository, folder }: HfSpaceDeployConfig, pinned: string): Promise<void> {
  const depth = folder === undefined ? [] : ['--depth=1'];
  try {
    await run(['fetch', '--quiet', '--no-tags', ...depth, '--', repository, pinned]);
  } catch (error) {
    if (!(error instanceof RecoveryError && error.code === 'DEPLOY_REFUSED')) throw error;
    await run(['fetch', '--quiet', '--', repository, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']);
  }
  await run(['rev-parse', '--quiet', '--verify', `${pinned}^{commit}`]).catch(() => {
    throw refused(what, `${repository} has no commit ${pinned}`);
  });
}

async function commitOf(
  { what, run }: Git,
  { folder, repository }: HfSpaceDeployConfig,
  pinned: string,
): Promise<string> {
  if (folder === undefined) return run(['rev-parse', '--verify', `${pinned}^{commit}`]);
  const tree = await run(['rev-parse', '--quiet', '--verify', `${pinned}:${folder.replace(/\/+$/, '')}`])
    .then((found) => run(['rev-parse', '--quiet', '--verify', `${found}^{tree}`]))
    .catch(() => {
      throw refused(what, `${pinned} of ${repository} has no folder ${folder}`);
    });
  const moment = await run(['show', '--no-patch', '--format=%ct', pinned]);
  const people = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    ...Object.entries(MAKER).map(([field, value]) => [`GIT_${who}_${field}`, value] as const),
    [`GIT_${who}_DATE`, `${moment} +0000`] as const,
  ]);
  return run(['commit-tree', tree, '-m', titleFor(pinned)], Object.fromEntries(people));
}

/** The token goes by the environment: arguments are for everybody to read. */
async function push({ run }: Git, config: HfSpaceDeployConfig, sha: string, before = ''): Promise<void> {
  const { hubUrl, space, branch, token } = config;
  const hub = hubUrl.replace(/\/+$/, '');
  const settings = {
    [`http.${hub}/.extraHeader`]: `Authorization: Basic ${basic(token.reveal())}`,
    'credential.helper': '',
    'http.followRedirects': 'false',
  };
  const entries = Object.entries(settings).flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, name],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  const lease = `--force-with-lease=refs/heads/${branch}:${before}`;
  await run(['push', '--quiet', lease, '--', `${hub}/spaces/${space}`, `${sha}:refs/heads/${branch}`], {
    GIT_CONFIG_COUNT: String(Object.keys(settings).length),
    ...(Object.fromEntries(entries) as Environment),
  });
}

function runner(
  { token, gitSeconds }: HfSpaceDeployConfig,
  {
    what,
    folder,
    environment,
    signal,
  }: { what: string; folder: string; environment: Environment; signal: AbortSignal },
): Git['run'] {
  return async (args, more = {}) => {
    const ended = await runProgram('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
      environment: { ...withoutGit(environment), ...more },
      timeoutMs: gitSeconds * 1000,
      ...{ signal, cwd: folder },
    });
    if ('stdout' in ended) return ended.stdout.trim();
    const said = lastWordsOf(redact(ended.stderr, [token.reveal(), basic(token.reveal())]));
    const away = /^did not end/.test(ended.problem) || (AWAY.test(said) && !DENIED.test(said));
    throw new RecoveryError(
      away ? 'DEPLOY_UNREACHABLE' : 'DEPLOY_REFUSED',
      `${what}: git ${args[0] ?? ''} ${ended.problem}${said === '' ? '' : `: ${said}`}`,
    );
  };
}

function basic(token: string): string {
  return Buffer.from(`user:${token}`).toString('base64');
}

/** GIT_DIR and its like would lead elsewhere than the settings say. */
function withoutGit(environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !/^GIT_(?!SSH|ASKPASS|SSL)/.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
  };
}

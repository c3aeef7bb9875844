import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import type { Release } from '../../../domain/deployment.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { provenReleaseKeyOf, PROVEN_RELEASES } from '../../../domain/names.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { Candidate } from '../../../domain/release-choice.ts';
import { putBytes } from '../../lines.ts';
import { type Ended, type Environment, runProgram } from '../../run-program.ts';

const GIT_MS = 60_000;
/** Nobody goes back further in the middle of the night; older ones can be named. */
const MOST = 50;

export interface ReleaseParts {
  readonly config: AppServersConfig['releases'];
  readonly store: ArtifactStore;
  /** The worker's own environment. */
  readonly environment: Environment;
}

/**
 * What can be deployed, the newest first: tags of the repository by their date, images in the order of the settings, and what the
 * set was taken with.
 * @throws RecoveryError CONFIGURATION_REFUSED where the repository cannot be read
 */
export async function listCandidates(
  parts: ReleaseParts,
  set: RecoverySet | undefined,
  signal: AbortSignal,
): Promise<Candidate[]> {
  const proven = await readProven(parts.store);
  const ofSet = set && releaseOf(set);
  const known = [...(await tagsOf(parts, signal)), ...parts.config.images.map(imageRelease)];
  const all = ofSet && known.every(({ pinned }) => pinned !== ofSet.pinned) ? [...known, ofSet] : known;
  return all.map((release) => ({
    ...release,
    proven:
      set && ofSet?.pinned === release.pinned
        ? `it was live when ${set.id} was taken`
        : proven.has(release.pinned)
          ? 'it has passed the gates of a run'
          : null,
  }));
}

/** What runs when a set is taken is what that set names. */
function releaseOf({ configuration }: RecoverySet): Release | undefined {
  const release = configuration?.release;
  if (!release) return undefined;
  if (release.kind === 'image') return imageRelease(`${release.reference}@${release.digest}`);
  // What was not committed cannot be had again.
  return release.clean ? { ref: release.tag ?? release.commit, pinned: release.commit } : undefined;
}

function imageRelease(image: string): Release {
  return { ref: image, pinned: image.slice(image.indexOf('@') + 1) };
}

async function tagsOf({ config, environment }: ReleaseParts, signal: AbortSignal): Promise<Release[]> {
  const { git, tags } = config;
  if (git === undefined) return [];
  // An annotated tag is an object of its own, whose commit is what is deployed.
  const format = '%(refname:short)%09%(*objectname)%09%(objectname)';
  const args = ['for-each-ref', '--sort=-creatordate', `--count=${MOST}`, `--format=${format}`, `refs/tags/${tags}`];
  const listed = await runGit(git, args, environment, signal);
  if ('problem' in listed) throw refused(git, listed);
  return listed.stdout.split('\n').flatMap((line) => {
    const [ref = '', ofTag = '', own = ''] = line.split('\t');
    return ref === '' ? [] : [{ ref, pinned: ofTag === '' ? own : ofTag }];
  });
}

/** @throws RecoveryError INVALID_INPUT for what is no release, CONFIGURATION_REFUSED */
export async function resolveRelease(parts: ReleaseParts, ref: string, signal: AbortSignal): Promise<Release> {
  if (/^[^\s@]+@sha256:[0-9a-f]{64}$/.test(ref)) return imageRelease(ref);
  const { git } = parts.config;
  if (git === undefined)
    throw new RecoveryError(
      'INVALID_INPUT',
      `release: ${ref} is no image@sha256:..., and appServers.releases.git is not configured`,
    );
  const found = await runGit(
    git,
    ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`],
    parts.environment,
    signal,
  );
  if ('stdout' in found) return { ref, pinned: found.stdout.trim() };
  const readable = await runGit(git, ['rev-parse', '--git-dir'], parts.environment, signal);
  if ('problem' in readable) throw refused(git, readable);
  throw new RecoveryError('INVALID_INPUT', `release: ${git} has no tag, commit or branch ${ref}`);
}

/** Nothing that the repository's own configuration names is run, and nothing is fetched. */
function runGit(
  folder: string,
  args: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<Ended> {
  const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'protocol.allow=never'];
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GIT_')));
  const options = { environment: { ...kept, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' }, timeoutMs: GIT_MS, signal };
  return runProgram('git', [...safe, '-C', folder, ...args], options);
}

function refused(folder: string, { problem, stderr }: { problem: string; stderr: string }): RecoveryError {
  const why = /dubious ownership/.test(stderr)
    ? `belongs to another user, so Git does not read it. As the worker's user: git config --global --add safe.directory ${folder}`
    : /not a git repository|cannot change to/.test(stderr)
      ? 'is no repository of Git'
      : `cannot be read: git ${problem}`;
  return new RecoveryError('CONFIGURATION_REFUSED', `appServers.releases.git: ${folder} ${why}`);
}

/** Commits and digests that have passed the gates of a run. */
async function readProven(store: ArtifactStore): Promise<ReadonlySet<string>> {
  const keys = await store.list(PROVEN_RELEASES);
  return new Set(
    keys.map((key) => (key.slice(PROVEN_RELEASES.length).split('/')[0] ?? '').replace('sha256-', 'sha256:')),
  );
}

/** Kept once for each run that proves it: what is known already is not written again. */
export async function recordRelease(store: ArtifactStore, { ref, pinned }: Release, run: string): Promise<void> {
  const key = provenReleaseKeyOf(pinned, run);
  if (await store.readSmall(key)) return;
  await putBytes(store, key, Buffer.from(`${JSON.stringify({ version: 1, ref, pinned, run })}\n`));
}

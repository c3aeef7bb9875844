import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  listCandidates,
  recordRelease,
  type ReleaseParts,
  resolveRelease,
} from '../../../../activities/app/server/releases.ts';
import { createDiskStore } from '../../../../activities/store/disk.ts';
import type { RecoverySet } from '../../../../domain/recovery-set.ts';
import { recoverySet } from '../../../support/fake-activities.ts';

const { signal } = new AbortController();
const DIGEST = `sha256:${'d'.repeat(64)}`;
let folder: string;
let repository: string;
let commits: Record<string, string>;

function git(args: readonly string[], at?: number): string {
  const date =
    at === undefined
      ? {}
      : { GIT_COMMITTER_DATE: `2026-01-0${at}T00:00:00Z`, GIT_AUTHOR_DATE: `2026-01-0${at}T00:00:00Z` };
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-C', repository];
  const env = { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', ...date };
  return execFileSync('git', [...who, ...args], { env, encoding: 'utf8' }).trim();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'releases-'));
  repository = join(folder, 'app');
  mkdirSync(join(folder, 'store'));
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', repository]);
  commits = {};
  for (const [at, name] of ['v1', 'v2', 'v3'].entries()) {
    writeFileSync(join(repository, 'file'), name);
    git(['add', 'file']);
    git(['commit', '--quiet', '-m', name], at + 1);
    // An annotated tag is an object of its own.
    git(name === 'v2' ? ['tag', '-a', '-m', name, name] : ['tag', name], at + 1);
    commits[name] = git(['rev-parse', 'HEAD']);
  }
  git(['tag', 'nightly'], 4);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function partsOf(config: Partial<ReleaseParts['config']> = {}): ReleaseParts {
  return {
    config: { git: repository, tags: 'v*', images: [], ...config },
    store: createDiskStore(join(folder, 'store')),
    environment: { PATH: process.env['PATH'], GIT_DIR: '/nowhere' },
  };
}

function setWith(release: NonNullable<RecoverySet['configuration']>['release']): RecoverySet {
  const configuration = { files: [], variables: [], references: [], recipients: [], release };
  return { ...recoverySet, configuration };
}

describe('what can be deployed', () => {
  test('are the tags that fit, the newest first, each with its commit; what the set was taken with is proven', async () => {
    const set = setWith({ kind: 'git', commit: commits['v2'] ?? '', tag: 'v2', clean: true });
    expect(await listCandidates(partsOf(), set, signal)).toEqual([
      { ref: 'v3', pinned: commits['v3'], proven: null },
      { ref: 'v2', pinned: commits['v2'], proven: `it was live when ${set.id} was taken` },
      { ref: 'v1', pinned: commits['v1'], proven: null },
    ]);
  });

  test('what has passed the gates of a run is proven for all later ones; said twice, it is kept once', async () => {
    const parts = partsOf();
    const release = { ref: 'v1', pinned: commits['v1'] ?? '' };
    for (let time = 0; time < 2; time += 1) await recordRelease(parts.store, release, 'run-1');
    expect((await listCandidates(parts, undefined, signal)).map(({ proven }) => proven)).toEqual([
      null,
      null,
      'it has passed the gates of a run',
    ]);
  });

  test('without a repository it is what the set names, and images by digest', async () => {
    const parts = partsOf({ git: undefined, images: [`registry.example/app@${DIGEST}`] });
    const set = setWith({ kind: 'git', commit: 'c'.repeat(40), clean: true });
    await recordRelease(parts.store, { ref: 'x', pinned: DIGEST }, 'run-1');
    expect(await listCandidates(parts, set, signal)).toEqual([
      { ref: `registry.example/app@${DIGEST}`, pinned: DIGEST, proven: 'it has passed the gates of a run' },
      { ref: 'c'.repeat(40), pinned: 'c'.repeat(40), proven: expect.stringContaining('was taken') },
    ]);
  });

  test('what was never committed cannot be had again', async () => {
    const set = setWith({ kind: 'git', commit: 'c'.repeat(40), clean: false });
    expect(await listCandidates(partsOf({ git: undefined }), set, signal)).toEqual([]);
  });

  test('a folder that is no repository is named', async () => {
    await expect(listCandidates(partsOf({ git: folder }), undefined, signal)).rejects.toMatchObject({
      code: 'CONFIGURATION_REFUSED',
      message: `appServers.releases.git: ${folder} is no repository of Git`,
    });
  });
});

describe('a release by name', () => {
  test.each([
    ['a tag', 'v2'],
    ['a branch', 'main'],
    ['a commit', 'HEAD~1'],
  ])('%s', async (_what, ref) => {
    const { pinned } = await resolveRelease(partsOf(), ref, signal);
    expect(pinned).toBe(git(['rev-parse', `${ref}^{commit}`]));
  });

  test('an image by its digest', async () => {
    expect(await resolveRelease(partsOf({ git: undefined }), `app@${DIGEST}`, signal)).toEqual({
      ref: `app@${DIGEST}`,
      pinned: DIGEST,
    });
  });

  test.each([
    ['v9', {}, /has no tag, commit or branch v9/],
    ['--all', {}, /has no tag, commit or branch --all/],
    ['app:latest', { git: undefined }, /is no image@sha256/],
  ])('%s is refused', async (ref, config, words) => {
    await expect(resolveRelease(partsOf(config), ref, signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(words),
    });
  });
});

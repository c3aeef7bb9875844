import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createDeployer } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer, Release } from '../../../domain/deployment.ts';
import { HF_TOKEN, type HuggingFace, makeReleases, SPACE, startHuggingFace } from '../../support/hf-space.ts';
import type { ApiFault } from '../../support/vendor-api.ts';
import { deployContract, SECRET, VARIABLES, work } from './contract.ts';

const PARTS = { environment: 'test', variables: { PATH: process.env['PATH'], HOME: tmpdir() } };
const KINDS = ['good', 'next', 'bad', 'hung', 'last'] as const;

let source: ReturnType<typeof makeReleases<(typeof KINDS)[number]>>;
beforeAll(() => {
  source = makeReleases(KINDS);
});
const releaseOf = (kind: (typeof KINDS)[number]): Release => ({ ref: kind, pinned: source.commits[kind] });

function settingsOf({ port }: HuggingFace, more: object = {}): { hfSpace: object } {
  const hubUrl = `http://127.0.0.1:${port}`;
  const known = { hubUrl, token: HF_TOKEN, space: SPACE, repository: source.folder };
  return { hfSpace: { ...known, deployMinutes: 0.02, pollSeconds: 0.02, publicVariables: ['GREETING'], ...more } };
}

for (const more of [{}, { folder: 'backend' }])
  deployContract(`a Space${'folder' in more ? ' that is a folder of a repository' : ''}`, async () => {
    const hub = await startHuggingFace();
    const { space } = hub;
    const kindOf = ({ pinned }: Release): string | undefined => KINDS.find((kind) => source.commits[kind] === pinned);
    return {
      settings: settingsOf(hub, more),
      parts: PARTS,
      releases: {
        good: releaseOf('good'),
        next: releaseOf('next'),
        bad: releaseOf('bad'),
        hung: releaseOf('hung'),
      },
      serves: async () => {
        const { served } = space;
        const release = KINDS.find((kind) => kind === served?.kind);
        return (
          served && release && { release: source.commits[release], greeting: served.environment.get('GREETING') ?? '' }
        );
      },
      count: async (release) => (space.served?.kind === kindOf(release) ? 1 : 0),
      loseAnswer: () => (space.losesPush = true),
      close: hub.down,
    };
  });

describe('a Space', () => {
  let hub: HuggingFace;
  beforeEach(async () => {
    hub = await startHuggingFace();
  });
  afterEach(() => hub.down());
  const deployer = (more: object = {}): Deployer =>
    createDeployer(deployConfigSchema.parse(settingsOf(hub, more)), PARTS);
  const deploy = (
    kind: (typeof KINDS)[number] = 'good',
    key = 'run-1',
    more: object = {},
    how = work(),
  ): ReturnType<Deployer['deploy']> =>
    deployer(more).deploy({ release: releaseOf(kind), variables: VARIABLES, key }, how);
  const posts = (end: string): number =>
    hub.heard.filter(({ method, path }) => method === 'POST' && path.endsWith(end)).length;

  test('keeps secrets as secrets, and shows what may be seen', async () => {
    await deploy();
    expect([...hub.space.secrets.keys()]).toEqual(['SECRET_TOKEN', 'DATABASE_URL']);
    expect([...hub.space.variables.keys()]).toEqual(['GREETING', 'RECOVERY_DEPLOYMENT']);
    expect([...hub.space.variables.values()].join('')).not.toContain(SECRET);
    expect(hub.space.head).toBe(source.commits.good);
  });

  test('is given every secret once under a key, is pushed to once, and leaves no folder behind', async () => {
    const left = readdirSync(tmpdir());
    await deploy();
    const pushes = hub.pushedWith.length;
    expect(await deploy()).toMatchObject({ adopted: true });
    expect([posts('/secrets'), posts('/restart'), hub.pushedWith.length]).toEqual([2, 0, pushes]);
    expect(
      readdirSync(tmpdir()).filter((name) => left.includes(name) === false && name.startsWith('space-push-')),
    ).toEqual([]);
    expect(await deploy('good', 'run-2')).toMatchObject({ adopted: false });
    expect([posts('/secrets'), posts('/restart'), hub.pushedWith.length]).toEqual([4, 1, pushes]);
  });

  test('an older release takes the place of a newer one', async () => {
    await deploy('last', 'run-1');
    await deploy('good', 'run-2');
    expect(hub.space.head).toBe(source.commits.good);
    expect(hub.space.served?.kind).toBe('good');
  });

  test('what somebody else pushes at that moment is left', async () => {
    await deploy('next', 'run-0');
    const lookedAt = hub.space.head;
    hub.faults.push({ method: 'GET', status: 200, body: {} });
    hub.faults.push({ method: 'GET', status: 200, body: { sha: source.commits.last } });
    await expect(deploy('good', 'run-1')).rejects.toMatchObject({
      code: 'DEPLOY_REFUSED',
      message: expect.stringMatching(/git push .*stale info/),
    });
    expect(hub.space.head).toBe(lookedAt);
  });

  test('one that is asleep or paused is restarted, with the release', async () => {
    await deploy();
    for (const stage of ['SLEEPING', 'PAUSED']) {
      hub.space.stage = stage;
      expect((await deployer().find()).state).toBe('stopped');
      await deploy();
      expect(hub.space.served?.kind).toBe('good');
    }
    hub.space.pause();
    await deploy('next', 'run-2');
    expect(hub.space.served?.kind).toBe('next');
  });

  test('answers that still tell what was before are not believed', async () => {
    await deploy('bad', 'run-0').catch(() => undefined);
    const deploying = deploy('good', 'run-1');
    while (hub.space.stage !== 'BUILDING') await new Promise((resolve) => setTimeout(resolve, 1));
    hub.space.stale = 5;
    expect(await deploying).toMatchObject({ adopted: false });
    await deploy('next', 'run-2');
    expect(hub.space.served?.kind).toBe('next');
  });

  test('a hub that does not tell the commit is believed after a while', async () => {
    hub.space.tellsSha = false;
    expect(await deploy()).toEqual({ id: source.commits.good, adopted: false });
    expect(await deployer().find()).toEqual({
      state: 'running',
      release: source.commits.good,
      id: source.commits.good,
    });
  });

  test.each(['CONFIG_ERROR', 'BUILD_ERROR', 'RUNTIME_ERROR', 'NO_APP_FILE'])('%s is told at once', async (stage) => {
    hub.space.buildMs = 300;
    const deploying = deploy();
    while (hub.space.sha !== source.commits.good || posts('/secrets') < 2)
      await new Promise((resolve) => setTimeout(resolve, 1));
    Object.assign(hub.space, { stage, errorMessage: `no README, and ${SECRET}` });
    await expect(deploying).rejects.toMatchObject({
      code: 'DEPLOY_FAILED',
      message: expect.stringContaining(`the Space is in ${stage}: no README, and [redacted]`),
    });
  });

  test('one that is paused by somebody while it is waited for is told', async () => {
    hub.space.buildMs = 300;
    const deploying = deploy();
    while (hub.space.sha !== source.commits.good) await new Promise((resolve) => setTimeout(resolve, 1));
    hub.space.pause();
    await expect(deploying).rejects.toMatchObject({ message: expect.stringContaining('the Space is in PAUSED') });
  });

  const limit = (method: string, headers: Record<string, string>): ApiFault => ({
    method,
    status: 429,
    headers,
    body: {},
  });
  test.each<[string, () => ApiFault[]]>([
    ['limits', () => [limit('GET', { ratelimit: '"api";r=0;t=1' }), limit('POST', { 'retry-after': '0' })]],
    ['servers that fail', () => ['GET', 'POST', 'POST'].map((method) => ({ method, status: 503, body: 'oh' }))],
    ['a lost answer', () => [{ method: 'POST', status: 502, body: 'bad gateway', carriedOut: true }]],
  ])('gets over %s', async (_what, faults) => {
    hub.faults.push(...faults());
    await deploy();
    expect(hub.space.served?.environment.get('SECRET_TOKEN')).toBe(SECRET);
  });

  test.each<[string, object, () => Release, RegExp]>([
    ['a token that may not', { token: 'another-token' }, () => releaseOf('good'), /401 Invalid credentials/],
    ['a Space that is not there', { space: 'people/none' }, () => releaseOf('good'), /404 Repository not found/],
    ['an image', {}, () => ({ ref: 'app', pinned: 'sha256:abc' }), /no commit/],
    ['a commit that is not there', {}, () => ({ ref: 'v9', pinned: 'f'.repeat(40) }), /has no commit ffff/],
    ['a folder that is not there', { folder: 'api' }, () => releaseOf('good'), /has no folder api/],
    ['a repository that is not there', { repository: '/no/repository' }, () => releaseOf('good'), /git fetch/],
  ])('says so of %s', async (_what, more, release, words) => {
    const failure: unknown = await deployer(more)
      .deploy({ release: release(), variables: VARIABLES, key: 'run-1' }, work())
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'DEPLOY_REFUSED', message: expect.stringMatching(words) });
    expect(String(failure)).not.toMatch(`${HF_TOKEN}|another-token`);
  });

  test('waits when nobody answers', async () => {
    await hub.down();
    await expect(deployer().find()).rejects.toMatchObject({ code: 'DEPLOY_UNREACHABLE' });
  });
});

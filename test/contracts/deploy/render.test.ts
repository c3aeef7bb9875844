import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { createDeployer } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer, Release } from '../../../domain/deployment.ts';
import { RENDER_TOKEN, type RenderStandIn, SERVICE, startRender } from '../../support/render.ts';
import type { ApiFault } from '../../support/vendor-api.ts';
import { deployContract, SECRET, VARIABLES, work } from './contract.ts';

const PARTS = { environment: 'test', variables: {} };
const RELEASES = {
  good: { ref: 'v1', pinned: 'a'.repeat(40) },
  next: { ref: 'v2', pinned: 'b'.repeat(40) },
  bad: { ref: 'main', pinned: 'c'.repeat(40) },
  hung: { ref: 'v4', pinned: 'd'.repeat(40) },
};
const DIGEST = `sha256:${'1'.repeat(64)}`;

async function start(): Promise<RenderStandIn> {
  const render = await startRender();
  render.service.bad.add(RELEASES.bad.pinned);
  render.service.stuck.add(RELEASES.hung.pinned);
  return render;
}

function settingsOf({ port }: RenderStandIn, more: object = {}): { render: object } {
  const apiUrl = `http://127.0.0.1:${port}`;
  return {
    render: { apiUrl, token: RENDER_TOKEN, serviceId: SERVICE, deployMinutes: 0.02, pollSeconds: 0.02, ...more },
  };
}

deployContract('Render', async () => {
  const render = await start();
  const { service } = render;
  return {
    settings: settingsOf(render),
    parts: PARTS,
    releases: RELEASES,
    serves: async () =>
      service.served && {
        release: service.served.release,
        greeting: service.served.variables.get('GREETING') ?? '',
      },
    count: async ({ pinned }) =>
      service.deploys.filter(({ commit, status }) => commit?.id === pinned && !/deactivated|failed/.test(status))
        .length,
    loseAnswer: () => void render.faults.push({ method: 'POST', status: 502, body: 'bad gateway', carriedOut: true }),
    close: render.down,
  };
});

describe('Render', () => {
  let render: RenderStandIn;
  beforeEach(async () => {
    render = await start();
  });
  afterEach(() => render.down());
  const deployer = (more: object = {}): Deployer =>
    createDeployer(deployConfigSchema.parse(settingsOf(render, more)), PARTS);
  const deploy = (release: Release = RELEASES.good, key = 'run-1', how = work()): ReturnType<Deployer['deploy']> =>
    deployer().deploy({ release, variables: VARIABLES, key }, how);
  const posts = (): number =>
    render.heard.filter(({ method, path }) => method === 'POST' && path.endsWith('/deploys')).length;

  test('is told variables before a deploy, and only those that differ; others stay', async () => {
    render.service.variables.set('OTHER', 'kept').set('SECRET_TOKEN', SECRET);
    await deploy();
    expect(
      render.heard.filter(({ method }) => method !== 'GET').map(({ method, path }) => `${method} ${path}`),
    ).toEqual([
      `PUT /services/${SERVICE}/env-vars/GREETING`,
      `PUT /services/${SERVICE}/env-vars/DATABASE_URL`,
      `PUT /services/${SERVICE}/env-vars/RECOVERY_DEPLOYMENT`,
      `POST /services/${SERVICE}/deploys`,
    ]);
    expect(render.heard.at(-1)).toMatchObject({ method: 'GET' });
    expect(render.service.variables.get('OTHER')).toBe('kept');
  });

  test('is read through all of its pages of variables', async () => {
    for (let at = 0; at < 250; at += 1) render.service.variables.set(`V${at}`, 'x');
    for (const [name, value] of Object.entries(VARIABLES)) render.service.variables.set(name, value);
    await deploy();
    expect(render.heard.filter(({ method }) => method === 'PUT')).toHaveLength(1);
  });

  test('an image is deployed by its digest', async () => {
    const release = { ref: 'registry.example:5000/app:v1', pinned: DIGEST };
    await deploy(release);
    expect(render.heard.find(({ method }) => method === 'POST')?.body).toEqual({
      imageUrl: `registry.example:5000/app@${DIGEST}`,
    });
    expect(await deployer().find()).toMatchObject({ state: 'running', release: DIGEST });
    expect(await deploy(release)).toMatchObject({ adopted: true });
  });

  test('one that is put into the queue is found there', async () => {
    render.service.queues = true;
    expect(await deploy()).toEqual({ id: 'dep-1', adopted: false });
    expect(posts()).toBe(1);
  });

  test('a deploy of somebody else that is not newer than the mark is not taken for ours', async () => {
    render.service.begin(RELEASES.good.pinned, 'new_commit');
    await pause(100);
    expect(await deploy()).toEqual({ id: 'dep-2', adopted: false });
    expect(render.service.served?.variables.get('SECRET_TOKEN')).toBe(SECRET);
  });

  test('a variable that somebody has changed since is brought back by a deploy', async () => {
    await deploy();
    render.service.variables.set('SECRET_TOKEN', 'another');
    expect(await deploy()).toMatchObject({ adopted: false });
    expect(render.service.served?.variables.get('SECRET_TOKEN')).toBe(SECRET);
  });

  const limit = (method: string, headers: Record<string, string>): ApiFault => ({
    method,
    status: 429,
    headers,
    body: {},
  });
  test.each<[string, () => ApiFault[]]>([
    [
      'limits, told as seconds',
      () => [limit('GET', { 'retry-after': '0' }), limit('PUT', { 'ratelimit-reset': '0.2' })],
    ],
    ['limits, told as a moment', () => [limit('POST', { 'ratelimit-reset': String(Math.ceil(Date.now() / 1000)) })]],
    [
      'servers that fail',
      () =>
        [500, 502, 503].flatMap((status) =>
          ['GET', 'PUT', 'POST'].map((method) => ({ method, status, body: 'oh' })).slice(0, status === 503 ? 1 : 2),
        ),
    ],
    ['an answer that is lost, and nothing was begun', () => [{ method: 'POST', status: 502, body: 'bad gateway' }]],
  ])('gets over %s, with one deploy', async (_what, faults) => {
    render.faults.push(...faults());
    const how = work();
    await deploy(RELEASES.good, 'run-1', how).catch(async (error: unknown) => {
      expect(error).toMatchObject({ code: 'DEPLOY_UNREACHABLE' });
      return deploy();
    });
    expect(render.service.deploys).toHaveLength(1);
    expect(render.service.deploys[0]?.status).toBe('live');
  });

  test('says what it waits for', async () => {
    render.faults.push(limit('GET', { 'ratelimit-reset': '1' }));
    const how = work();
    await deploy(RELEASES.good, 'run-1', how);
    expect(how.phases[0]).toBe('Render limits requests: wait 1 s');
    expect(how.phases.slice(-1)).toEqual(['Render: live']);
  });

  test('a deploy that is stuck is told, waited for again, and never begun twice', async () => {
    for (let time = 0; time < 2; time += 1)
      await expect(deploy(RELEASES.hung)).rejects.toMatchObject({
        code: 'DEPLOY_FAILED',
        message: expect.stringContaining('deploy dep-1 is still build_in_progress after 0.02 min'),
      });
    expect(posts()).toBe(1);
  });

  test.each<['deactivated' | 'canceled', string]>([
    ['deactivated', 'another deploy has taken the place of dep-1'],
    ['canceled', 'deploy dep-1 ended with canceled'],
  ])('a deploy that is %s meanwhile is told', async (status, words) => {
    render.service.buildMs = 500;
    const deploying = deploy();
    while (render.service.deploys.length === 0) await pause(5);
    Object.assign(render.service.deploys[0] ?? {}, { status });
    await expect(deploying).rejects.toMatchObject({ code: 'DEPLOY_FAILED', message: expect.stringContaining(words) });
  });

  test.each<[string, object, () => Release, RegExp]>([
    ['a key that may not', { token: 'another' }, () => RELEASES.good, /401 Unauthorized/],
    ['a service that is not there', { serviceId: 'srv-none' }, () => RELEASES.good, /404 not found/],
    ['a branch', {}, () => ({ ref: 'main', pinned: 'main' }), /neither a commit nor a digest/],
  ])('says so of %s', async (_what, more, release, words) => {
    const failure: unknown = await deployer(more)
      .deploy({ release: release(), variables: VARIABLES, key: 'run-1' }, work())
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'DEPLOY_REFUSED', message: expect.stringMatching(words) });
    expect(String(failure)).not.toContain(RENDER_TOKEN);
  });

  test('waits when nobody answers', async () => {
    await render.down();
    await expect(deployer().find()).rejects.toMatchObject({ code: 'DEPLOY_UNREACHABLE' });
    await render.up();
    expect(await deployer().find()).toEqual({ state: 'absent', release: null, id: null });
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { createFrontendRouter } from '../../../activities/traffic/frontend-config.ts';
import { trafficConfigSchema } from '../../../config/traffic.ts';
import type { TrafficRouter } from '../../../domain/traffic.ts';
import { GITHUB_TOKEN, type GithubStandIn, startGithub } from '../../support/github.ts';
import { startRelay } from '../../support/relay.ts';
import type { ApiFault } from '../../support/vendor-api.ts';
import { trafficContract } from './contract.ts';

const [A, B, C] = ['https://app-a.example', 'https://app-b.example', 'https://app-c.example'];

function routerAt(host: string, settings: object = {}): TrafficRouter {
  const { frontendConfig } = trafficConfigSchema.parse({
    frontendConfig: {
      apiUrl: `http://${host}`,
      token: GITHUB_TOKEN,
      repository: 'people/book',
      variable: 'API_URL',
      workflow: 'deploy.yml',
      page: `http://${host}/book/`,
      pollSeconds: 0.02,
      runMinutes: 0.02,
      pageMinutes: 0.01,
      ...settings,
    },
  });
  if (!frontendConfig) throw new Error('no settings');
  return createFrontendRouter(frontendConfig);
}

trafficContract('a built-in address of a static book', async () => {
  const github = await startGithub();
  const relay = await startRelay({ host: '127.0.0.1', port: github.port });
  return {
    router: routerAt(relay.host),
    ...{ a: A, b: B, c: C, impossible: 'app-b.example:8000', relay },
    writes: 'PATCH ',
    elsewhere: async ([value = '']) => github.publish(value),
    down: github.down,
    up: github.up,
    remembers: true,
    noticesMeanwhile: false,
    closesIdleConnections: false,
    close: async () => {
      await relay.stop();
      await github.down();
    },
  };
});

describe('a static book', () => {
  let github: GithubStandIn;
  beforeEach(async () => {
    github = await startGithub();
  });
  afterEach(() => github.down());
  const router = (settings: object = {}): TrafficRouter => routerAt(`127.0.0.1:${github.port}`, settings);
  const point = (one = router(), to: readonly string[] = [B]): ReturnType<TrafficRouter['point']> =>
    one.point({ expected: { targets: [A], revision: null }, to });
  const started = (): number => github.heard.filter(({ method }) => method === 'POST').length;
  const refused = (words: string) => ({ code: 'TRAFFIC_REFUSED', message: expect.stringContaining(words) });

  test('is built again with the new address, by one run, and looked at', async () => {
    expect(await point()).toMatchObject({ switched: true, state: { targets: [B] } });
    expect(github.runs.map(({ event, conclusion }) => `${event} ${conclusion}`)).toEqual([
      'workflow_dispatch success',
      'push success',
    ]);
    expect(github.heard.filter(({ method }) => method !== 'GET').map(({ body }) => body)).toEqual([
      { value: B },
      { ref: 'main', return_run_details: true },
    ]);
  });

  test('is found by the run that appears where its id is not told', async () => {
    Object.assign(github.behaviour, { tellsId: false, listedAfterMs: 50 });
    expect(await point()).toMatchObject({ switched: true });
    expect(started()).toBe(1);
  });

  test.each<[string, ApiFault]>([
    ['lost, of the variable', { method: 'PATCH', status: 502, body: 'bad gateway', carriedOut: true }],
    ['lost', { method: 'POST', status: 502, body: 'bad gateway', carriedOut: true }],
    [
      'a limit, and nothing was started',
      { method: 'POST', status: 403, headers: { 'x-ratelimit-remaining': '0' }, body: '{}' },
    ],
  ])('is built by one run though the answer is %s', async (_what, fault) => {
    github.faults.push(fault);
    expect(await point()).toMatchObject({ switched: true });
    expect(github.runs.filter(({ event }) => event === 'workflow_dispatch')).toHaveLength(1);
  });

  test('is waited for where a worker that died, or a push, has begun the build', async () => {
    github.setVariable(B);
    await pause(1_050);
    github.push();
    expect(await router().read()).toEqual({ targets: [B], revision: expect.stringMatching(/, not published$/) });
    expect(await point()).toMatchObject({ switched: true, state: { targets: [B] } });
    expect(started()).toBe(0);
  });

  test('is built where only the variable was set', async () => {
    github.setVariable(B);
    await pause(1_050);
    expect(await point()).toMatchObject({ switched: true });
    expect(started()).toBe(1);
    expect(await point()).toMatchObject({ switched: false });
  });

  test('is waited for while caches show it in its old form', async () => {
    github.behaviour.shownAfterMs = 150;
    expect(await point()).toMatchObject({ switched: true });
    expect(started()).toBe(1);
  });

  test('is waited for through the run that takes the place of ours', async () => {
    Object.assign(github.behaviour, { cancels: true, queuedMs: 100 });
    const pointed = point();
    while (started() === 0) await pause(10);
    github.push();
    expect(await pointed).toMatchObject({ switched: true });
    expect(github.runs.map(({ conclusion }) => conclusion)).toEqual(['success', 'cancelled', 'success']);
  });

  test('says which run failed or does not end, and builds again when a person says so', async () => {
    github.behaviour.conclusion = 'failure';
    await expect(point()).rejects.toMatchObject(refused('/actions/runs/1001 ended with failure'));
    github.behaviour.conclusion = 'stuck';
    await expect(point()).rejects.toMatchObject(refused('/actions/runs/1002 is still queued after 0.02 min'));
    expect(started()).toBe(2);
    // The stuck one is waited for: a second one would only stand behind it.
    await expect(point()).rejects.toMatchObject(refused('/actions/runs/1002 is still queued'));
    expect(started()).toBe(2);
    Object.assign(github.behaviour, { conclusion: 'success', cancels: true });
    github.push();
    expect(await point()).toMatchObject({ switched: true });
    expect(started()).toBe(2);
  });

  test('is not believed when the published page names another address', async () => {
    github.behaviour.ignoresVariable = true;
    await expect(point()).rejects.toMatchObject(refused(`the page does not name ${B}: is the build given API_URL`));
    await expect(point(router(), [`${A}-b.example`])).rejects.toMatchObject({ code: 'TRAFFIC_CHANGED' });
  });

  test('an address that another one begins with is not that one', async () => {
    github.behaviour.ignoresVariable = true;
    for (const other of ['https://app-a.exam', 'https://app-a.example:8443', 'https://app-a.example.org']) {
      github.publish(other);
      github.setVariable('https://app-a.example');
      expect((await router().read()).revision).toMatch(/, not published$/);
    }
    github.publish('https://app-a.example/');
    expect((await router().read()).revision).not.toMatch(/not published/);
  });

  test.each<[string, object, string]>([
    ['a key that may not', { token: 'another' }, '401 Bad credentials'],
    ['a variable that is not there', { variable: 'OTHER' }, '404 Not Found'],
    ['an environment that is not there', { environment: 'github-pages' }, '404 Not Found'],
    ['a workflow that is not there', { workflow: 'other.yml' }, '404 Not Found'],
  ])('says so of %s', async (_what, settings, words) => {
    const failure = await router(settings)
      .read()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject(refused(words));
    expect(String(failure)).not.toContain(GITHUB_TOKEN);
  });

  test('says so of a page that is not there, and waits for one that is away', async () => {
    const page = `http://127.0.0.1:${github.port}/book/other`;
    await expect(router({ page }).read()).rejects.toMatchObject(refused('404, there is no such page'));
    await expect(router({ page: 'http://127.0.0.1:9/' }).read()).rejects.toMatchObject({ code: 'TRAFFIC_UNREACHABLE' });
    await expect(point(router(), [B, C])).rejects.toMatchObject(refused('a variable holds one address'));
  });
});

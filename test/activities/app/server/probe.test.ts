import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ProbeParts, probeApp } from '../../../../activities/app/server/probe.ts';
import { watchApp } from '../../../../activities/app/server/watch.ts';
import { appConfigSchema } from '../../../../config/app.ts';
import { appConditionOf } from '../../../../domain/app-failure.ts';
import type { AppProbe } from '../../../../domain/app-probe.ts';
import type { Deployer } from '../../../../domain/deployment.ts';
import { RecoveryError } from '../../../../domain/failures.ts';
import { type Heard, type Said, startServer, type TestServer } from '../../../support/http.ts';
import { freePort } from '../../../support/ports.ts';
import { fakeDeployer, PASSWORD, placeAt, settingsOf } from './stage.ts';

const QUESTIONS = [
  { question: 'odd', sources: ['nowhere'] },
  { question: 'good', sources: ['a.md#b'] },
];
let server: TestServer;
let router: TestServer;

beforeEach(async () => {
  [server, router] = await Promise.all([startServer(), startServer()]);
  server.answer(well);
  router.answer(well);
});

afterEach(() => Promise.all([server.stop(), router.stop()]));

function well({ path, body }: Heard): Said {
  if (path !== '/ask') return { body: { status: 'ok' } };
  const { question } = body as { question: string };
  return { body: { answer: 'text', citations: [{ source: question === 'good' ? 'a.md#b' : 'else' }] } };
}

function partsOf(over: Partial<ProbeParts> = {}): ProbeParts {
  const { checks, watch } = settingsOf([server.url, router.url], {
    checks: { shallowHealth: '/live' },
    watch: { slowSeconds: 0.3, lookSeconds: 1, requests: 4 },
  });
  return {
    checks,
    watch,
    routed: async () => ({ ...appConfigSchema.parse({ baseUrl: router.url }), secrets: [] }),
    dependencies: { Qdrant: async () => undefined },
    questions: async () => QUESTIONS,
    ...over,
  };
}

const findings = ({ looks }: AppProbe): string[] => looks.map(({ depth, finding }) => `${depth} ${finding}`);
const only =
  (path: string, said: Said) =>
  (request: Heard): Said =>
    request.path === path ? said : well(request);

describe('a look at a server of the app', () => {
  test('goes as deep as a question, at the server itself and the way its readers come', async () => {
    const probe = await probeApp(partsOf(), placeAt(server.url));
    expect(findings(probe)).toEqual(['process ok', 'port ok', 'shallow ok', 'deep ok', 'question ok', 'router ok']);
    expect(appConditionOf(probe)).toBe('well');
  });

  test.each([
    ['errors behind a green health check', only('/ask', { status: 500, body: 'oops' }), 'erring'],
    ['wrong answers with status 200', only('/ask', { body: { answer: 'x', citations: [] } }), 'wrong'],
    ['an answer of another shape', only('/ask', { body: { text: 'x' } }), 'wrong'],
    ['a health that says degraded', only('/health', { status: 503, body: { status: 'degraded' } }), 'misconfigured'],
    ['no answer', only('/health', 'hang'), 'silent'],
    ['an answer cut off', only('/live', 'cut'), 'silent'],
    ['a key that is not taken', only('/ask', { status: 401, body: '' }), 'locked-out'],
  ])('%s', async (_what, how, condition) => {
    server.answer(how);
    expect(appConditionOf(await probeApp(partsOf(), placeAt(server.url)))).toBe(condition);
  });

  test('a sound answer that comes much too late is slow', async () => {
    const parts = partsOf();
    const probe = await probeApp({ ...parts, watch: { ...parts.watch, slowSeconds: 0.000_001 } }, placeAt(server.url));
    expect(appConditionOf(probe)).toBe('slow');
  });

  test('nobody at its port', async () => {
    const probe = await probeApp(partsOf(), placeAt(`http://127.0.0.1:${await freePort()}`));
    expect(findings(probe).slice(1, 3)).toEqual(['port refused', 'shallow untried']);
    expect(appConditionOf(probe)).toBe('gone');
  });

  test.each<[string, Partial<Deployer>]>([
    ['says that nothing runs', { find: async () => ({ state: 'stopped', release: null, id: null }) }],
    ['does not answer', { find: () => Promise.reject(new RecoveryError('DEPLOY_UNREACHABLE', 'no')) }],
    ['hangs', { find: () => new Promise(() => undefined) }],
  ])('what deploys there %s: that is told, and the app is asked all the same', async (_what, over) => {
    const probe = await probeApp(partsOf(), placeAt(server.url, { deployer: fakeDeployer(over) }));
    expect(findings(probe)[0]).toBe('process untried');
    expect(appConditionOf(probe)).toBe('well');
  });

  test('only the way to it is broken', async () => {
    router.answer(() => ({ status: 502, body: '' }));
    expect(appConditionOf(await probeApp(partsOf(), placeAt(server.url)))).toBe('router');
  });

  test('what it stands on is down for this worker, too', async () => {
    const dependencies = {
      Qdrant: async () => undefined,
      'the embedding API': () =>
        Promise.reject(new RecoveryError('EMBEDDINGS_UNREACHABLE', 'embeddings: ECONNREFUSED')),
    };
    const probe = await probeApp(partsOf({ dependencies }), placeAt(server.url));
    expect(appConditionOf(probe)).toBe('dependency');
    expect(probe.dependencies[1]).toMatchObject({ ok: false, said: 'embeddings: ECONNREFUSED' });
  });

  test('without golden questions, or with some that cannot be read, health must do', async () => {
    for (const questions of [async () => [], () => Promise.reject(new Error('no file'))])
      expect(findings(await probeApp(partsOf({ questions }), placeAt(server.url))).at(-1)).toBe('router untried');
  });

  test('a key that the app quotes is in no look', async () => {
    const key = 'a-key-that-nobody-may-see';
    server.answer(({ headers }) => ({ status: 500, body: String(headers['x-key']) }));
    const place = placeAt(server.url, { app: { authHeader: { name: 'x-key', value: key } } });
    expect(JSON.stringify(await probeApp(partsOf(), place))).not.toContain(key);
    server.answer(() => ({ status: 503, body: { status: 'degraded', error: `postgresql://app:${PASSWORD}@db` } }));
    const told = JSON.stringify(await probeApp(partsOf(), placeAt(server.url)));
    expect(told).toContain('[redacted]');
    expect(told).not.toContain(PASSWORD);
  });
});

describe('a watch of the app', () => {
  const questions = [
    { question: 'good', cites: true },
    { question: 'odd', cites: false },
    { question: 'third', cites: true },
  ];

  test('counts what fails, and takes an answer without citations for a failure where there were some', async () => {
    let asked = 0;
    router.answer((request) => {
      asked += 1;
      if (asked === 1) return { status: 502, body: 'bad gateway' };
      if (asked === 2 || asked === 3) return { body: { answer: 'x', citations: [] } };
      return well(request);
    });
    expect(await watchApp(partsOf(), { questions, from: 0 })).toMatchObject({
      requests: 4,
      failed: 2,
      said: expect.stringContaining('502'),
      p95: expect.any(Number),
    });
  });

  test('goes on where the look before has ended', async () => {
    await watchApp(partsOf(), { questions, from: 1 });
    const asked = router.heard.map(({ body }) => (body as { question: string }).question);
    expect(asked).toEqual(['odd', 'third', 'good', 'odd']);
  });

  test('asks for health where there are no questions', async () => {
    expect(await watchApp(partsOf(), { questions: [], from: 0 })).toMatchObject({ requests: 4, failed: 0 });
    expect(router.heard.map(({ path }) => path)).toEqual(['/health', '/health', '/health', '/health']);
  });
});

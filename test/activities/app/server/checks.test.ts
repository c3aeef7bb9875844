import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkEndpoints, checkReach, checkSession } from '../../../../activities/app/server/checks.ts';
import { checkSecurity } from '../../../../activities/app/server/security.ts';
import { checkTelemetry } from '../../../../activities/app/server/telemetry.ts';
import type { AppServersConfig } from '../../../../config/app-servers.ts';
import { declaredIn } from '../../../../activities/configuration/declared.ts';
import { NOTHING_DECLARED } from '../../../../domain/declared.ts';
import { type Heard, type Said, startServer, type TestServer } from '../../../support/http.ts';
import { placeAt, settingsOf } from './stage.ts';

const { signal } = new AbortController();
const KEY = 'a-key-that-nobody-may-see';
let server: TestServer;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => server.stop());

function checksOf(checks: object): AppServersConfig['checks'] {
  return settingsOf([server.url, 'http://127.0.0.1:1'], { checks }).checks;
}

const verdicts = (gates: readonly { name: string; verdict: string }[]): Record<string, string> =>
  Object.fromEntries(gates.map(({ name, verdict }) => [name, verdict]));

describe('health', () => {
  test('of a server that has only just been started is waited for', async () => {
    let asked = 0;
    server.answer(() => ((asked += 1) < 3 ? { status: 503, body: {} } : { body: { status: 'healthy' } }));
    expect(await checkReach(placeAt(server.url), 10, signal)).toMatchObject([{ verdict: 'pass' }]);
  });

  test('that does not come is red, and says what was answered', async () => {
    server.answer(() => ({ body: { status: 'degraded' } }));
    const [gate] = await checkReach(placeAt(server.url), 0.1, signal);
    expect(gate).toMatchObject({ verdict: 'fail', observed: expect.stringContaining('degraded') });
  });
});

describe('every endpoint listed', () => {
  const endpoints = [
    { path: '/version', answers: { 'build.stable': true, name: 'app' } },
    { method: 'POST', path: '/ask', body: { question: '{{marker}}' }, status: 422 },
  ];
  const sound = ({ path, method }: Heard): Said =>
    path === '/version'
      ? { body: { build: { stable: true }, name: 'app' } }
      : { status: method === 'POST' ? 422 : 404, body: {} };

  test('is asked by its method, and its status and fields compared', async () => {
    server.answer(sound);
    const gates = await checkEndpoints(checksOf({ endpoints }), placeAt(server.url), NOTHING_DECLARED, signal);
    expect(gates.map(({ verdict }) => verdict)).toEqual(['pass', 'pass']);
    expect(server.heard[1]?.body).toEqual({ question: expect.stringMatching(/^recovery-check-/) });
  });

  test.each([
    ['another status', { status: 500, body: 'oops' }, '500 oops'],
    ['another value', { body: { build: { stable: false }, name: 'app' } }, '200, build.stable false'],
    ['no such field', { body: { name: 'app' } }, '200, build.stable is not there'],
    ['no JSON', { body: '<html>' }, 'is not there'],
    ['an answer cut off', 'cut', 'app: /version'],
  ] as const)('is red for %s', async (_what, said, observed) => {
    server.answer((request) => (request.path === '/version' ? said : sound(request)));
    const [gate] = await checkEndpoints(checksOf({ endpoints }), placeAt(server.url), NOTHING_DECLARED, signal);
    expect(gate).toMatchObject({ verdict: 'fail', observed: expect.stringContaining(observed) });
  });

  test('with none listed nothing is proven', async () => {
    const gates = await checkEndpoints(checksOf({}), placeAt(server.url), NOTHING_DECLARED, signal);
    expect(gates).toMatchObject([{ name: 'endpoints', verdict: 'unproven' }]);
  });

  test('what a Dockerfile declares is held against the running app', async () => {
    server.answer(({ path }) => ({ status: path === '/api/v1/health' ? 200 : 404, body: {} }));
    const text = 'EXPOSE 8000\nHEALTHCHECK CMD curl http://localhost:8000/api/health\n';
    const gates = await checkEndpoints(
      checksOf({}),
      placeAt(server.url),
      declaredIn([{ name: 'Dockerfile', text }]),
      signal,
    );
    expect(verdicts(gates)).toMatchObject({
      'declared port of Dockerfile': 'unproven',
      'declared health path of Dockerfile': 'fail',
    });
  });

  test('a key that the app quotes is in no gate', async () => {
    server.answer(({ headers }) => ({ status: 500, body: `no such key: ${String(headers['x-key'])}` }));
    const place = placeAt(server.url, { app: { authHeader: { name: 'X-Key', value: KEY } } });
    const gates = await checkEndpoints(checksOf({ endpoints }), place, NOTHING_DECLARED, signal);
    expect(server.heard[0]?.headers['x-key']).toBe(KEY);
    expect(JSON.stringify(gates)).not.toContain(KEY);
    expect(gates[0]?.observed).toContain('[redacted]');
  });
});

describe('a conversation', () => {
  const session = { create: { method: 'POST', path: '/sessions', body: {} }, read: '/sessions/{{session}}/messages' };

  test('is begun, continued and read back', async () => {
    const kept: unknown[] = [];
    server.answer(({ path, body }) => {
      if (path === '/sessions') return { status: 201, body: { sessionId: 'a b' } };
      if (path === '/ask') kept.push(body);
      return { body: path === '/sessions/a%20b/messages' ? { messages: kept } : {} };
    });
    const [gate] = await checkSession(checksOf({ session }), placeAt(server.url), 'What is a vector?', signal);
    expect(gate).toMatchObject({ name: 'session', verdict: 'pass' });
    expect(kept).toEqual([
      { sessionId: 'a b', question: expect.stringMatching(/^What is a vector\? \(recovery-check-/) },
    ]);
  });

  test.each([
    ['that is not begun', ({ path }: Heard): Said => ({ status: path === '/sessions' ? 500 : 200, body: {} })],
    [
      'that is forgotten',
      ({ path }: Heard): Said => ({ body: path === '/sessions' ? { sessionId: 7 } : { messages: [] } }),
    ],
  ])('%s is red', async (_what, how) => {
    server.answer(how);
    expect(await checkSession(checksOf({ session }), placeAt(server.url), 'Why?', signal)).toMatchObject([
      { verdict: 'fail' },
    ]);
  });

  test('that is not configured proves nothing', async () => {
    expect(await checkSession(checksOf({}), placeAt(server.url), 'Why?', signal)).toMatchObject([
      { verdict: 'unproven' },
    ]);
  });
});

describe('security', () => {
  const origin = 'https://book.example';
  const checks = { origin, protected: [{ method: 'POST', path: '/admin' }] };
  const allowing =
    (allowed: (asked: string) => string | undefined, door = 401) =>
    ({ method, headers }: Heard): Said => {
      if (method !== 'OPTIONS') return { status: door, body: {} };
      const to = allowed(String(headers.origin));
      const cors = {
        'access-control-allow-methods': 'GET, POST',
        'access-control-allow-headers': 'Content-Type, x-key',
      };
      return {
        status: 200,
        body: {},
        headers: to === undefined ? cors : { ...cors, 'access-control-allow-origin': to },
      };
    };

  test.each([
    [
      'open to the readers’ pages alone',
      (asked: string) => (asked === origin ? origin : undefined),
      401,
      ['pass', 'pass', 'pass'],
    ],
    ['open to all', () => '*', 403, ['pass', 'pass', 'pass']],
    ['shut to the readers’ pages', () => undefined, 401, ['fail', 'pass', 'pass']],
    ['that says yes to whoever asks', (asked: string) => asked, 401, ['pass', 'fail', 'pass']],
    ['with an open door', () => origin, 200, ['pass', 'pass', 'fail']],
  ] as const)('%s', async (_what, allowed, door, expected) => {
    server.answer(allowing(allowed, door));
    const gates = await checkSecurity(checksOf(checks), placeAt(server.url), signal);
    expect(gates.map(({ verdict }) => verdict)).toEqual([...expected, 'pass']);
    expect(gates.at(-1)).toMatchObject({ name: 'transport', observed: expect.stringContaining('no TLS') });
  });

  test.each([
    [
      'an answer that is an error',
      {
        status: 500,
        body: {},
        headers: { 'access-control-allow-origin': origin, 'access-control-allow-headers': '*' },
      },
    ],
    ['a header that is not allowed', { body: {}, headers: { 'access-control-allow-origin': origin } }],
    ['no answer', 'cut'],
  ] as const)('%s lets no page in', async (_what, said) => {
    server.answer(() => said);
    const [gate] = await checkSecurity(checksOf({ origin }), placeAt(server.url), signal);
    expect(gate).toMatchObject({ name: 'CORS', verdict: 'fail' });
  });

  test('nothing of it is proven where nothing is configured and the app has a key', async () => {
    const place = placeAt(server.url, { app: { authHeader: { name: 'x-key', value: KEY } } });
    expect(verdicts(await checkSecurity(checksOf({}), place, signal))).toMatchObject({
      CORS: 'unproven',
      keys: 'unproven',
    });
  });
});

describe('logs and metrics', () => {
  const metrics = { series: 'requests_total' };
  const telemetry = (environment = { PATH: process.env['PATH'] }) => ({
    place: placeAt(server.url),
    environment,
    signal,
  });

  test.each([
    ['that a request moves', 1, 'pass'],
    ['that only their own reading moves', 0, 'fail'],
  ])('metrics %s', async (_what, step, verdict) => {
    let [read, asked] = [0, 0];
    server.answer(({ path }) => {
      if (path === '/metrics')
        return {
          body: `# HELP x\nrequests_total{route="/a b"} ${(read += 1)}\nrequests_total ${asked} 1700000000\nother 9\n`,
        };
      asked += step;
      return { body: {} };
    });
    expect(await checkTelemetry(checksOf({ metrics }), telemetry())).toMatchObject([{ name: 'metrics', verdict }]);
  });

  test('metrics without the series are red', async () => {
    server.answer(() => ({ body: 'requests_total_other 3\n' }));
    expect(await checkTelemetry(checksOf({ metrics }), telemetry())).toMatchObject([
      { verdict: 'fail', observed: '/metrics has no requests_total' },
    ]);
  });

  test('a marked request is found in what the command prints', async () => {
    server.answer(() => ({ body: {} }));
    const script = `process.stdout.write(process.argv[1] === 'primary' ? process.env.LOG : '')`;
    const logs = { run: [process.execPath, '-e', script, '{server}'], header: 'x-trace' };
    const environment = {
      PATH: process.env['PATH'],
      get LOG() {
        return `GET / ${String(server.heard.at(-1)?.headers['x-trace'])}`;
      },
    };
    expect(await checkTelemetry(checksOf({ logs }), telemetry(environment))).toMatchObject([
      { name: 'logs', verdict: 'pass' },
    ]);
  });

  test('a command that fails proves nothing, and tells nothing of what it printed', async () => {
    server.answer(() => ({ body: {} }));
    const logs = { run: [process.execPath, '-e', `console.error('${KEY}'); process.exit(3)`] };
    const gates = await checkTelemetry(checksOf({ logs }), telemetry());
    expect(gates).toMatchObject([{ verdict: 'unproven', observed: expect.stringContaining('exit code 3') }]);
    expect(JSON.stringify(gates)).not.toContain(KEY);
  });

  test('neither configured proves nothing', async () => {
    expect(await checkTelemetry(checksOf({}), telemetry())).toMatchObject([{ verdict: 'unproven' }]);
  });
});

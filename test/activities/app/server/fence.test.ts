import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fenceServer } from '../../../../activities/app/server/fence.ts';
import { RecoveryError } from '../../../../domain/failures.ts';
import { startServer, type TestServer } from '../../../support/http.ts';
import { fakeDeployer, placeAt } from './stage.ts';

const work = { signal: new AbortController().signal, report: () => undefined, output: () => undefined };
const app = { maintenance: { path: '/mode', write: { path: '/sessions', refused: [503] } } };
let server: TestServer;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => server.stop());

describe('a server that was replaced', () => {
  test('is stopped, and then nobody answers a write', async () => {
    const deployer = fakeDeployer({ stop: () => server.stop() });
    expect(await fenceServer(placeAt(server.url, { app, deployer }), work)).toMatchObject([
      { name: 'stale write', verdict: 'pass', observed: expect.stringMatching(/^stopped; .*ECONNREFUSED/) },
    ]);
  });

  test.each([
    [201, 'fail'],
    [503, 'pass'],
    [404, 'unproven'],
  ] as const)('answers a write with %s: %s', async (status, verdict) => {
    server.answer(() => ({ status, body: {} }));
    expect(await fenceServer(placeAt(server.url, { app }), work)).toMatchObject([{ verdict }]);
    expect(server.heard).toMatchObject([{ method: 'POST', path: '/sessions' }]);
  });

  test('that nobody could tell to stay away is not proven to, though nobody answers there now', async () => {
    const gone = fakeDeployer({ stop: () => Promise.reject(new RecoveryError('DEPLOY_UNREACHABLE', 'ssh: no route')) });
    server.answer(() => 'cut');
    const place = placeAt(server.url, { app, deployer: gone });
    expect(await fenceServer(place, work)).toMatchObject([{ verdict: 'unproven' }]);
    await server.stop();
    expect(await fenceServer(place, work)).toMatchObject([
      { verdict: 'unproven', observed: expect.stringContaining('ssh: no route') },
    ]);
  });

  test('that cannot be stopped for want of a right is a question for people', async () => {
    const denied = fakeDeployer({ stop: () => Promise.reject(new RecoveryError('DEPLOY_REFUSED', '403')) });
    await expect(fenceServer(placeAt(server.url, { deployer: denied }), work)).rejects.toThrow('403');
  });

  test('of an app without a write to try is asked a question', async () => {
    server.answer(() => ({ status: 503, body: {} }));
    expect(await fenceServer(placeAt(server.url), work)).toMatchObject([{ verdict: 'pass' }]);
    expect(server.heard).toMatchObject([{ method: 'POST', path: '/ask' }]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createFenceActivities } from '../../../activities/app/fence.ts';
import { appConfigSchema } from '../../../config/app.ts';
import { type Said, startServer, type TestServer } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
beforeEach(() => void (server.heard.length = 0));

const MAINTENANCE = {
  path: '/admin/mode',
  header: { name: 'Authorization', value: 'Bearer sesame' },
  write: { path: '/sessions', body: { title: 'x' } },
};
const fence = (maintenance?: object, over: object = {}): ReturnType<typeof createFenceActivities> =>
  createFenceActivities(appConfigSchema.parse({ baseUrl: `${server.url}/api/`, maintenance, ...over }));

describe('the app’s own switch', () => {
  test('is asked as it is configured, in both directions, with the key of its own', async () => {
    server.answer(() => ({ body: { mode: 'whatever' } }));
    const { setAppMode } = fence(MAINTENANCE, { authHeader: { name: 'authorization', value: 'of a reader' } });
    expect(await setAppMode({ mode: 'fenced' })).toEqual({ switched: true });
    expect(await setAppMode({ mode: 'open' })).toEqual({ switched: true });
    const headers = expect.objectContaining({ authorization: 'Bearer sesame' });
    expect(server.heard).toMatchObject([
      { method: 'PUT', path: '/api/admin/mode', headers, body: { mode: 'read-only' } },
      { method: 'PUT', path: '/api/admin/mode', headers, body: { mode: 'normal' } },
    ]);
  });

  test('may have another method and other bodies, and the app’s own key', async () => {
    server.answer(() => ({ body: 'OK' }));
    const other = { method: 'POST', path: '/lock', on: { locked: true }, off: { locked: false } };
    const { setAppMode } = fence(other, { authHeader: { name: 'X-Key', value: 'k' } });
    await setAppMode({ mode: 'fenced' });
    await setAppMode({ mode: 'open' });
    expect(server.heard).toMatchObject([
      { method: 'POST', path: '/api/lock', headers: { 'x-key': 'k' }, body: { locked: true } },
      { method: 'POST', body: { locked: false } },
    ]);
  });

  test.each<[Said, string]>([
    [{ status: 500, body: 'oops' }, 'APP_UNREACHABLE'],
    [{ status: 401, body: 'no' }, 'APP_REFUSED'],
    [{ status: 404, body: 'what?' }, 'APP_REFUSED'],
  ])('that does not do it is no success: %j', async (said, code) => {
    server.answer(() => said);
    await expect(fence(MAINTENANCE).setAppMode({ mode: 'fenced' })).rejects.toMatchObject({
      code,
      message: expect.not.stringContaining('sesame'),
    });
  });

  test('that is not there is not asked', async () => {
    expect(await fence().setAppMode({ mode: 'fenced' })).toEqual({ switched: false });
    expect(await createFenceActivities(undefined).setAppMode({ mode: 'open' })).toEqual({ switched: false });
    expect(server.heard).toEqual([]);
  });
});

describe('a stale write', () => {
  const verdictOf = async (said: Said, write: object = {}): Promise<unknown> => {
    server.answer(() => said);
    const gates = await fence({ ...MAINTENANCE, write: { ...MAINTENANCE.write, ...write } }).tryStaleWrite();
    expect(gates.map(({ name }) => name)).toEqual(['stale write']);
    return gates[0]?.verdict;
  };

  test('is tried as it is configured, without the switch’s key', async () => {
    expect(await verdictOf({ status: 503, body: 'later' })).toBe('pass');
    expect(server.heard).toMatchObject([{ method: 'POST', path: '/api/sessions', body: { title: 'x' } }]);
    expect(server.heard[0]?.headers.authorization).toBeUndefined();
  });

  test.each<[number, object, string]>([
    [423, {}, 'pass'],
    [503, {}, 'pass'],
    [503, { refused: [423] }, 'unproven'],
    [405, { refused: [405] }, 'pass'],
    [200, {}, 'fail'],
    [201, {}, 'fail'],
    [400, {}, 'unproven'],
    [401, {}, 'unproven'],
    [404, {}, 'unproven'],
    [500, {}, 'unproven'],
    [502, {}, 'unproven'],
  ])('answered with %i (%j): %s', async (status, write, verdict) => {
    expect(await verdictOf({ status, body: '' }, write)).toBe(verdict);
  });

  test('that gets no answer proves nothing', async () => {
    expect(await verdictOf('cut')).toBe('unproven');
    const baseUrl = `http://127.0.0.1:${await freePort()}`;
    expect(await fence(MAINTENANCE, { baseUrl }).tryStaleWrite()).toMatchObject([
      { verdict: 'unproven', observed: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  test('that is not configured proves nothing, and it is said what is missing', async () => {
    const { write: _write, ...without } = MAINTENANCE;
    for (const [activities, missing] of [
      [fence(without), 'app.maintenance.write is'],
      [fence(), 'app.maintenance is'],
      [createFenceActivities(undefined), 'app.maintenance is'],
    ] as const) {
      expect(await activities.tryStaleWrite()).toMatchObject([
        { verdict: 'unproven', observed: expect.stringContaining(missing) },
      ]);
    }
    expect(server.heard).toEqual([]);
  });
});

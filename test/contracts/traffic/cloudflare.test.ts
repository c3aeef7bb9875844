import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCloudflareRouter } from '../../../activities/traffic/cloudflare.ts';
import { trafficConfigSchema } from '../../../config/traffic.ts';
import type { TrafficRouter } from '../../../domain/traffic.ts';
import { type CloudflareStandIn, startCloudflare, TOKEN } from '../../support/cloudflare.ts';
import { startRelay } from '../../support/relay.ts';
import type { ApiFault } from '../../support/vendor-api.ts';
import { type RouterUnderTest, trafficContract } from './contract.ts';

const RECORD = { dnsRecord: { zoneId: 'zone1', recordId: 'record1' } };
const POOL = { pool: { accountId: 'account1', poolId: 'pool1' } };

trafficContract('a DNS record of Cloudflare', async () => {
  const api = await startCloudflare();
  return under(api, RECORD, {
    targets: ['203.0.113.1', '203.0.113.2', '203.0.113.3'],
    impossible: 'app.book.example',
    elsewhere: async ([content = '']) => void (api.record = { ...api.record, content }),
  });
});

trafficContract('a pool of Cloudflare', async () => {
  const api = await startCloudflare();
  return under(api, POOL, {
    targets: ['203.0.113.1', '203.0.113.2', 'app.book.example:8443'],
    impossible: '203.0.113.9',
    elsewhere: async (to) => {
      const isIn = (address: string, port = 0): boolean => to.includes(port === 0 ? address : `${address}:${port}`);
      const origins = api.pool.origins.map((one) => ({ ...one, enabled: isIn(one.address, one.port) }));
      api.pool = { ...api.pool, origins };
    },
  });
});

function routerAt(host: string, settings: object): TrafficRouter {
  const all = { apiUrl: `http://${host}`, token: TOKEN, ...settings };
  const { cloudflare } = trafficConfigSchema.parse({ cloudflare: all });
  if (!cloudflare) throw new Error('no settings');
  return createCloudflareRouter(cloudflare);
}

interface Own {
  readonly targets: readonly [string, string, string];
  readonly impossible: string;
  elsewhere(targets: readonly string[]): Promise<void>;
}

async function under(
  api: CloudflareStandIn,
  settings: object,
  { targets: [a, b, c], impossible, elsewhere }: Own,
): Promise<RouterUnderTest> {
  const relay = await startRelay({ host: '127.0.0.1', port: api.port });
  return {
    router: routerAt(relay.host, settings),
    ...{ a, b, c, impossible, relay, elsewhere },
    writes: 'PATCH ',
    down: api.down,
    up: api.up,
    remembers: true,
    noticesMeanwhile: false,
    closesIdleConnections: false,
    close: async () => {
      await relay.stop();
      await api.down();
    },
  };
}

describe('Cloudflare', () => {
  let api: CloudflareStandIn;
  beforeEach(async () => {
    api = await startCloudflare();
  });
  afterEach(() => api.down());
  const router = (settings: object = RECORD): TrafficRouter => routerAt(`127.0.0.1:${api.port}`, settings);
  const point = async (one: TrafficRouter, ...to: string[]): ReturnType<TrafficRouter['point']> =>
    one.point({ expected: { targets: ['203.0.113.1'], revision: null }, to });
  const patches = (): unknown[] => api.heard.filter(({ method }) => method === 'PATCH').map(({ body }) => body);

  test('sends nothing of a record but where it points', async () => {
    await point(router(), '203.0.113.2');
    expect(patches()).toEqual([{ content: '203.0.113.2' }]);
    expect(api.record).toMatchObject({ content: '203.0.113.2', proxied: true, ttl: 1 });
  });

  test('sends the other settings of origins back as they were, without what is Cloudflare’s own', async () => {
    await point(router(POOL), '203.0.113.2', 'app.book.example:8443');
    expect(patches()).toEqual([
      {
        origins: [
          {
            name: 'a',
            address: '203.0.113.1',
            enabled: false,
            weight: 1,
            port: 0,
            header: { Host: ['api.book.example'] },
          },
          { name: 'b', address: '203.0.113.2', enabled: true, weight: 1, port: 0 },
          { name: 'c', address: 'app.book.example', enabled: true, weight: 1, port: 8443 },
        ],
      },
    ]);
  });

  test.each<[string, ApiFault]>([
    ['there are too many requests', { method: 'PATCH', status: 429, headers: { 'retry-after': '1' }, body: '{}' }],
    ['the API is broken', { method: 'PATCH', status: 502, body: '<html>bad gateway</html>' }],
    ['the API did it, and says that it is broken', { method: 'PATCH', status: 500, carriedOut: true }],
  ])('gets there though %s', async (_what, fault) => {
    for (const [settings, to] of [[RECORD, '203.0.113.3'] as const, [POOL, '203.0.113.2'] as const]) {
      api.faults.push(fault);
      expect(await point(router(settings), to)).toMatchObject({ switched: true, state: { targets: [to] } });
    }
    expect(patches()).toHaveLength(fault.carriedOut ? 2 : 4);
  });

  test('gives up for now when that does not end', async () => {
    api.faults.push(...Array.from({ length: 9 }, () => ({ method: 'PATCH', status: 503, body: 'later' })));
    const waits = { code: 'TRAFFIC_UNREACHABLE', message: expect.stringContaining('503 later') };
    await expect(point(router(), '203.0.113.2')).rejects.toMatchObject(waits);
    expect(patches()).toHaveLength(5);
  });

  test.each<[string, ApiFault | undefined, object, string, string]>([
    ['a key that may not', undefined, { token: 'another-token' }, 'TRAFFIC_REFUSED', '403 10000 Authentication error'],
    [
      'a record that is not there',
      undefined,
      { dnsRecord: { zoneId: 'zone1', recordId: 'no' } },
      'TRAFFIC_REFUSED',
      '404 1003',
    ],
    ['a limit', { method: 'GET', status: 429, body: '{}' }, {}, 'TRAFFIC_UNREACHABLE', '429'],
    [
      'an answer of another form',
      { method: 'GET', status: 200, body: '{"success":true}' },
      {},
      'TRAFFIC_REFUSED',
      'result',
    ],
    ['a web page', { method: 'GET', status: 200, body: '<html>' }, {}, 'TRAFFIC_REFUSED', 'no JSON: <html>'],
    ['a quoted key', { method: 'GET', status: 400, body: `no ${TOKEN}` }, {}, 'TRAFFIC_REFUSED', '400 no [redacted]'],
  ])('tells %s from what passes', async (_what, fault, settings, code, words) => {
    if (fault) api.faults.push(fault);
    const failure = await router({ ...RECORD, ...settings })
      .read()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(String(failure)).not.toContain(TOKEN);
  });

  test('says what a record cannot be, and what a pool is not', async () => {
    const refused = (words: string) => ({ code: 'TRAFFIC_REFUSED', message: expect.stringContaining(words) });
    await expect(point(router(), '203.0.113.2', '203.0.113.3')).rejects.toMatchObject(
      refused('one record has one address'),
    );
    await expect(point(router(), '203.0.113.2:8000')).rejects.toMatchObject(refused('type A, which cannot say'));
    api.record = { ...api.record, type: 'CNAME', content: 'a.book.example' };
    const named = { expected: await router().read(), to: ['203.0.113.2'] };
    await expect(router().point(named)).rejects.toMatchObject(refused('type CNAME'));
    api.pool = { ...api.pool, enabled: false };
    await expect(router(POOL).read()).rejects.toMatchObject(refused('the pool is disabled'));
  });
});

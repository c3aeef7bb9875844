import { describe, expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCaddyRouter } from '../../../activities/traffic/caddy.ts';
import { trafficConfigSchema } from '../../../config/traffic.ts';
import type { TrafficRouter } from '../../../domain/traffic.ts';
import { type AdminMethod, askCaddy, findCaddy, startCaddy } from '../../support/caddy.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { quietPort } from '../../support/ports.ts';
import { startRelay } from '../../support/relay.ts';
import { startUpstream } from '../../support/visitors.ts';
import { type RouterUnderTest, trafficContract } from './contract.ts';

const caddy = findCaddy();
if (caddy === undefined) {
  test.skip('Caddy is not tested: it is neither on PATH nor in .sandbox/python (start tests with `npm test`)', () =>
    undefined);
} else {
  trafficContract('Caddy', () => start(caddy));
  describe('Caddy', () => ownTests(caddy));
}

test('an ETag that comes after the body, as from Caddy 2.6, is seen as well', async () => {
  const handler = { handler: 'reverse_proxy', upstreams: [{ dial: '127.0.0.1:1' }] };
  const server = createServer((_request, response) => {
    response.writeHead(200, { trailer: 'ETag' });
    response.write(JSON.stringify(handler));
    response.addTrailers({ etag: '"/config/apps/http 1f"' });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const router = routerAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await router.read()).toEqual({ targets: ['127.0.0.1:1'], revision: '"/config/apps/http 1f"' });
  await new Promise((resolve) => server.close(resolve));
});

interface CaddyUnderTest extends RouterUnderTest {
  /** A request to the admin API, past the relay. */
  admin(method: AdminMethod, path: string, json?: unknown): Promise<unknown>;
}

function routerAt(adminUrl: string): TrafficRouter {
  const { caddy: config } = trafficConfigSchema.parse({ caddy: { adminUrl, id: 'app-proxy' } });
  if (!config) throw new Error('no settings');
  return createCaddyRouter(config);
}

async function start(program: string, more: object = {}): Promise<CaddyUnderTest> {
  const upstreams = [await startUpstream('a'), await startUpstream('b'), await startUpstream('c')] as const;
  const [adminPort, port] = [await quietPort(), await quietPort()];
  const relay = await startRelay({ host: '127.0.0.1', port: adminPort });
  const origin = `127.0.0.1:${adminPort}`;
  const admin: CaddyUnderTest['admin'] = (method, path, json) => askCaddy(`http://${origin}${path}`, method, json);
  const [a, b, c] = upstreams.map(({ address }) => address);
  if (a === undefined || b === undefined || c === undefined) throw new Error('no upstreams');
  const first = [{ '@id': 'app-upstream', dial: a, max_requests: 500 }];
  const settings = { admin: origin, origins: [origin, relay.host], port, upstreams: first, more };
  const own = startCaddy(program, temporaryFolder('caddy'), settings, () => admin('GET', '/config/'));
  await own.up();
  return {
    ...own,
    router: routerAt(`http://${relay.host}`),
    ...{ a, b, c },
    impossible: `http://${b}`,
    relay,
    writes: 'PATCH ',
    admin,
    elsewhere: async (to) =>
      void (await admin(
        'PATCH',
        '/id/app-proxy/upstreams',
        to.map((dial) => ({ '@id': 'app-upstream', dial })),
      )),
    public: { url: `http://127.0.0.1:${port}`, upstreams },
    remembers: true,
    noticesMeanwhile: true,
    closesIdleConnections: true,
    close: async () => {
      await own.down();
      await relay.stop();
      await Promise.all(upstreams.map((one) => one.stop()));
    },
  };
}

function ownTests(program: string): void {
  async function using(work: (under: CaddyUnderTest) => Promise<void>, more: object = {}): Promise<void> {
    const under = await start(program, more);
    try {
      await work(under);
    } finally {
      await under.close();
    }
  }
  const upstreamsOf = (under: CaddyUnderTest): Promise<unknown> => under.admin('GET', '/id/app-proxy/upstreams');

  test('keeps what an upstream has besides its address, its @id too', () =>
    using(async (under) => {
      const { a, b, c, router } = under;
      await router.point({ expected: await router.read(), to: [b] });
      expect(await upstreamsOf(under)).toEqual([{ '@id': 'app-upstream', dial: b, max_requests: 500 }]);
      await router.point({ expected: await router.read(), to: [c, b] });
      expect(await upstreamsOf(under)).toEqual([{ dial: c }, { '@id': 'app-upstream', dial: b, max_requests: 500 }]);
      await router.point({ expected: await router.read(), to: [a] });
      expect(await upstreamsOf(under)).toEqual([{ dial: a }]);
    }));

  test('what changes elsewhere in the configuration at the very moment does not stop the switch', () =>
    using(
      async (under) => {
        const { b, router, relay } = under;
        const transport = '/id/app-proxy/transport/dial_timeout';
        const expected = await router.read();
        relay.trouble({ carries: 'PATCH ', before: async () => void (await under.admin('PATCH', transport, '5s')) });
        expect(await router.point({ expected, to: [b] })).toMatchObject({ switched: true });
        // A route before ours moves it: the lock is on the place where it was.
        const route = { match: [{ path: ['/never'] }], handle: [{ handler: 'static_response' }] };
        const routes = '/config/apps/http/servers/app/routes/0';
        relay.trouble({ carries: 'PATCH ', before: async () => void (await under.admin('PUT', routes, route)) });
        const back = await router.point({ expected: await router.read(), to: [under.a] });
        expect(back).toMatchObject({ switched: true, state: { targets: [under.a] } });
        expect(relay.count('PATCH ')).toBe(4);
        expect(await under.admin('GET', transport)).toBe('5s');
      },
      { transport: { protocol: 'http', dial_timeout: '2s' } },
    ));

  test('is refused where the @id names nothing, no proxy, or one whose upstreams are not used', () =>
    using(async (under) => {
      const { router } = under;
      const says = (words: string) => ({ code: 'TRAFFIC_REFUSED', message: expect.stringContaining(words) });
      await under.admin('PATCH', '/id/app-proxy/upstreams', []);
      await expect(router.read()).rejects.toMatchObject(says('upstreams'));
      await under.admin('PUT', '/id/app-proxy/dynamic_upstreams', { source: 'a', name: 'localhost', port: '1' });
      await expect(router.read()).rejects.toMatchObject(says('dynamic_upstreams must not be there'));
      await under.admin('PATCH', '/id/app-proxy', { '@id': 'app-proxy', handler: 'static_response' });
      await expect(router.read()).rejects.toMatchObject(says('no reverse_proxy'));
      await under.admin('PATCH', '/id/app-proxy', { '@id': 'other', handler: 'static_response' });
      await expect(router.read()).rejects.toMatchObject(says("unknown object ID 'app-proxy'"));
    }));

  test('is told through a socket file as well', async () => {
    const folder = temporaryFolder('caddy-socket');
    const router = routerAt(`unix:${folder}/admin.sock`);
    const [admin, port] = [`unix/${folder}/admin.sock`, await quietPort()];
    const own = startCaddy(program, folder, { admin, port, upstreams: [{ dial: '127.0.0.1:1' }] }, () => router.read());
    await own.up();
    try {
      await router.point({ expected: await router.read(), to: ['127.0.0.1:2'] });
      expect((await router.read()).targets).toEqual(['127.0.0.1:2']);
    } finally {
      await own.down();
    }
  });
}

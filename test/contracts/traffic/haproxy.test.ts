import { describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createHaproxyRouter } from '../../../activities/traffic/haproxy.ts';
import { trafficConfigSchema } from '../../../config/traffic.ts';
import type { TrafficRouter } from '../../../domain/traffic.ts';
import { findProgram } from '../../../sandbox/stack/find.ts';
import { runProgram } from '../../support/caddy.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { quietPort } from '../../support/ports.ts';
import { startRelay } from '../../support/relay.ts';
import { startUpstream, visit } from '../../support/visitors.ts';
import { type RouterUnderTest, trafficContract } from './contract.ts';

/** Debian puts it where only root looks. */
const haproxy = findProgram('haproxy', {
  configured: undefined,
  variable: 'PATH',
  searchPath: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`,
  provided: '/usr/sbin',
})?.path;
if (haproxy === undefined) {
  test.skip('HAProxy is not tested: it is not on this machine (`apt-get install haproxy`)', () => undefined);
} else {
  trafficContract('HAProxy', () => start(haproxy));
  describe('HAProxy', () => ownTests(haproxy));
}

interface HaproxyUnderTest extends RouterUnderTest {
  readonly socket: string;
  /** Another router over the same backend. */
  routerWith(settings: object): TrafficRouter;
  /** Commands to the runtime API, past the relay. */
  runtime(line: string): Promise<string>;
  /** Name, administrative state and operational state of each server. */
  states(): Promise<string[]>;
}

interface Shape {
  /** What each of the servers has besides its address. */
  readonly servers?: readonly [string, string, string];
  readonly backend?: string;
}

const CHECKED = 'check inter 100ms fall 2 rise 2';
const PLAIN = [CHECKED, `${CHECKED} disabled`, `${CHECKED} disabled`] as const;

async function start(program: string, { servers = PLAIN, backend = '' }: Shape = {}): Promise<HaproxyUnderTest> {
  const upstreams = [await startUpstream('a'), await startUpstream('b'), await startUpstream('c')] as const;
  const [port, folder] = [await quietPort(), temporaryFolder('haproxy')];
  const socket = join(folder, 'admin.sock');
  const relay = await startRelay({ path: socket });
  const lines = upstreams.map(({ name, address }, index) => `server ${name} ${address} ${servers[index] ?? ''}`);
  writeFileSync(
    join(folder, 'haproxy.cfg'),
    [
      `global\n stats socket ${socket} mode 600 level admin`,
      'defaults\n mode http\n timeout connect 1s\n timeout client 30s\n timeout server 30s',
      `frontend readers\n bind 127.0.0.1:${port}\n default_backend app`,
      ['backend app', 'option httpchk GET /health', backend, ...lines].join('\n '),
      '',
    ].join('\n'),
  );
  const runtime = (line: string): Promise<string> => ask(socket, line);
  const own = runProgram(program, ['-db', '-f', 'haproxy.cfg'], folder, () => runtime('show version'));
  const states = async (): Promise<string[]> =>
    (await runtime('show servers state app'))
      .split('\n')
      .filter((line) => / app \d+ /.test(line))
      .map((line) => line.split(' '))
      .map(([, , , name, , operational, admin]) => `${name} ${Number(admin) & ~4} ${operational}`);
  const [a, b, c] = ['http://server-a', 'http://server-b', 'http://server-c'];
  const routerWith = (settings: object): TrafficRouter => {
    const all = { socket: relay.host, backend: 'app', servers: { a, b, c }, upSeconds: 2, ...settings };
    const { haproxy: config } = trafficConfigSchema.parse({ haproxy: all });
    if (!config) throw new Error('no settings');
    return createHaproxyRouter(config);
  };
  await own.up();
  return {
    ...own,
    socket,
    router: routerWith({}),
    routerWith,
    ...{ a, b, c },
    impossible: 'http://server-d',
    relay,
    writes: 'set server',
    runtime,
    states,
    elsewhere: async (to) => {
      const named = Object.entries({ a, b, c });
      await runtime(
        named
          .map(([name, target]) => `set server app/${name} state ${to.includes(target) ? 'ready' : 'maint'}`)
          .join(';'),
      );
    },
    public: { url: `http://127.0.0.1:${port}`, upstreams },
    remembers: false,
    noticesMeanwhile: true,
    closesIdleConnections: false,
    close: async () => {
      await own.down();
      await relay.stop();
      await Promise.all(upstreams.map((one) => one.stop()));
    },
  };
}

async function ask(socket: string, line: string): Promise<string> {
  const connection = connect(socket);
  connection.write(`${line}\n`);
  let text = '';
  for await (const piece of connection.setEncoding('utf8')) text += String(piece);
  return text;
}

function ownTests(program: string): void {
  async function using(shape: Shape, work: (under: HaproxyUnderTest) => Promise<void>): Promise<void> {
    const under = await start(program, shape);
    try {
      await work(under);
    } finally {
      await under.close();
    }
  }

  test('gives no request to a server that it has not checked since it was in maintenance', () =>
    using({}, async (under) => {
      const { router, a, b, states } = under;
      await router.point({ expected: await router.read(), to: [b] });
      expect(await states()).toEqual(['a 8 2', 'b 0 2', 'c 1 0']);
      // Once found up, then put away, then dead: what HAProxy knows of it is old.
      await router.point({ expected: await router.read(), to: [a] });
      await under.runtime('set server app/b state maint');
      await under.public?.upstreams[1].stop();
      await expect(router.point({ expected: await router.read(), to: [b] })).rejects.toMatchObject({
        code: 'TRAFFIC_REFUSED',
        message: expect.stringMatching(/backend app \(until it is reloaded\): b is not up after 2 s: .*DOWN.*L4CON/),
      });
      expect(await states()).toEqual(['a 0 2', 'b 8 0', 'c 1 0']);
      expect((await router.read()).targets).toEqual([a]);
    }));

  test('goes on where a worker died half way', () =>
    using({}, async ({ router, a, b, c, states, runtime }) => {
      const expected = await router.read();
      await runtime('set server app/b state drain; set server app/b health down');
      await router.point({ expected, to: [b] });
      await runtime('set server app/a state ready');
      expect((await router.read()).targets).toEqual([a, b]);
      expect(await router.point({ expected, to: [b] })).toMatchObject({ switched: true });
      expect(await states()).toEqual(['a 8 2', 'b 0 2', 'c 1 0']);
      await runtime('set server app/c state ready');
      await expect(router.point({ expected, to: [a] })).rejects.toMatchObject({
        code: 'TRAFFIC_CHANGED',
        message: expect.stringContaining(`has made it send to ${b}, ${c}`),
      });
    }));

  test('two switches at once go one after the other', () =>
    using({}, async ({ router, routerWith, a, b, c }) => {
      const expected = await router.read();
      const [first, second] = await Promise.allSettled([
        router.point({ expected, to: [b] }),
        routerWith({}).point({ expected, to: [c] }),
      ]);
      expect(first).toMatchObject({ status: 'fulfilled', value: { switched: true } });
      expect(second).toMatchObject({ status: 'rejected', reason: { code: 'TRAFFIC_CHANGED' } });
      expect(await router.read()).toMatchObject({ targets: [b] });
      expect(expected.targets).toEqual([a]);
    }));

  test('readers who are bound to the old server by a cookie go to the new one too', () =>
    using(
      {
        backend: 'cookie SERVER insert indirect nocache',
        servers: [
          'check inter 100ms cookie a',
          'check inter 100ms cookie b backup',
          'check inter 100ms cookie c disabled',
        ],
      },
      async ({ router, a, b, states, ...under }) => {
        const url = under.public?.url ?? '';
        const as = async (cookie: string): Promise<string> => (await fetch(url, { headers: { cookie } })).text();
        expect((await router.read()).targets).toEqual([a]);
        const slow = visit(url, new Agent(), true);
        await new Promise((resolve) => setTimeout(resolve, 100));
        const expected = await router.read();
        expect(await router.point({ expected, to: [b] })).toMatchObject({ switched: true });
        expect(await states()).toEqual(['a 1 0', 'b 0 2', 'c 1 0']);
        expect(await as('SERVER=a')).toBe('b');
        expect(await slow).toMatchObject({ by: 'a', problem: null });
        expect(await router.point({ expected, to: [b] })).toMatchObject({ switched: false });
        // Drained, it would still be given those of the cookie: that is not what was asked for.
        await under.runtime('set server app/a state drain');
        expect(await as('SERVER=a')).toBe('a');
        expect(await router.point({ expected, to: [b] })).toMatchObject({ switched: true });
        expect(await as('SERVER=a')).toBe('b');
        await router.point({ expected: await router.read(), to: [a] });
        expect(await as('')).toBe('a');
      },
    ));

  test('a server without checks, or without a weight, is brought in as well', () =>
    using({ servers: ['', 'weight 7', 'disabled'] }, async ({ router, runtime, a, b, c }) => {
      await runtime('set server app/b weight 0');
      expect((await router.read()).targets).toEqual([a]);
      await router.point({ expected: await router.read(), to: [b, c] });
      expect(new Set((await router.read()).targets)).toEqual(new Set([b, c]));
      expect(await runtime('get weight app/b')).toMatch(/^7 /);
    }));

  test('one that only steps in is left in its place when the first one is back', () =>
    using({ servers: [CHECKED, `${CHECKED} backup`, `${CHECKED} disabled`] }, async ({ router, states, a, b }) => {
      await router.point({ expected: await router.read(), to: [b] });
      expect(await states()).toEqual(['a 8 2', 'b 0 2', 'c 1 0']);
      await router.point({ expected: await router.read(), to: [a] });
      expect(await states()).toEqual(['a 0 2', 'b 0 2', 'c 1 0']);
    }));

  test('names what is wrong with the socket, the backend or a server', () =>
    using({}, async ({ routerWith, a, b, socket }) => {
      const refused = (words: string) => ({ code: 'TRAFFIC_REFUSED', message: expect.stringContaining(words) });
      await expect(routerWith({ backend: 'other' }).read()).rejects.toMatchObject(refused("Can't find backend"));
      const twisted = routerWith({ servers: { a, nowhere: b } });
      await expect(twisted.point({ expected: await twisted.read(), to: [b] })).rejects.toMatchObject(
        refused(`${b} is no server of this backend, which has a (${a}), b (127.0.0.1:`),
      );
      await expect(routerWith({ socket: `${socket}.gone` }).read()).rejects.toMatchObject({
        code: 'TRAFFIC_UNREACHABLE',
      });
    }));
}

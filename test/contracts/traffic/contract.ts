import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { sameTargets, type TrafficRouter } from '../../../domain/traffic.ts';
import type { Relay } from '../../support/relay.ts';
import { SLOW_MS, startVisitors, type Upstream, sentAgain, visit } from '../../support/visitors.ts';

export interface RouterUnderTest {
  readonly router: TrafficRouter;
  /** Three targets; the router sends to `a` when it starts. */
  readonly a: string;
  readonly b: string;
  readonly c: string;
  /** One that the router cannot send to. */
  readonly impossible: string;
  /** The wire to the router's own interface. */
  readonly relay: Relay;
  /** A word that every request that changes something carries. */
  readonly writes: string;
  /** Somebody else's doing, past the relay. */
  elsewhere(targets: readonly string[]): Promise<void>;
  /** Where readers go, when requests go through the router itself. */
  readonly public?: { readonly url: string; readonly upstreams: readonly [Upstream, Upstream, Upstream] };
  /** The program of the router ends, and comes back as it would after a power cut. */
  down(): Promise<void>;
  up(): Promise<void>;
  readonly remembers: boolean;
  /** Whether a change by somebody else at the very moment of ours is noticed. */
  readonly noticesMeanwhile: boolean;
  /** Whether a switch closes connections that wait for a request: one that is just being sent has to be sent again, then. */
  readonly closesIdleConnections: boolean;
  close(): Promise<void>;
}

/** What every router must do, whichever way it is told. */
export function trafficContract(name: string, start: () => Promise<RouterUnderTest>): void {
  describe(`${name} as a router`, () => {
    let under: RouterUnderTest;
    beforeEach(async () => {
      under = await start();
    });
    afterEach(() => under?.close());
    const targets = async (): Promise<readonly string[]> => (await under.router.read()).targets;
    const point = async (to: readonly string[], signal?: AbortSignal): ReturnType<TrafficRouter['point']> =>
      under.router.point({ expected: await under.router.read(), to }, signal);

    test('says where requests go, and changes nothing by it', async () => {
      expect(await under.router.read()).toMatchObject({ targets: [under.a] });
      expect(await under.router.read()).toEqual(await under.router.read());
      expect(under.relay.count(under.writes)).toBe(0);
    });

    test('sends them elsewhere, says so, and back', async () => {
      const expected = await under.router.read();
      const there = await under.router.point({ expected, to: [under.b] });
      expect(there).toEqual({ switched: true, state: await under.router.read() });
      expect(there.state.targets).toEqual([under.b]);
      const back = await under.router.point({ expected: there.state, to: [under.a] });
      expect(back).toEqual({ switched: true, state: await under.router.read() });
      expect(back.state.targets).toEqual([under.a]);
    });

    test('what is done already is no error, and is not done again', async () => {
      const expected = await under.router.read();
      const first = await under.router.point({ expected, to: [under.b] });
      const writes = under.relay.count(under.writes);
      expect(await under.router.point({ expected, to: [under.b] })).toEqual({ ...first, switched: false });
      expect(under.relay.count(under.writes)).toBe(writes);
    });

    test('what somebody else has changed is left, and told', async () => {
      const expected = await under.router.read();
      await under.elsewhere([under.c]);
      await expect(under.router.point({ expected, to: [under.b] })).rejects.toMatchObject({
        code: 'TRAFFIC_CHANGED',
        message: expect.stringContaining(`has made it send to ${under.c}`),
      });
      expect(await targets()).toEqual([under.c]);
      expect(under.relay.count(under.writes)).toBe(0);
    });

    test('what somebody else has done as we want it is taken as done', async () => {
      const expected = await under.router.read();
      await under.elsewhere([under.b]);
      expect(await under.router.point({ expected, to: [under.b] })).toMatchObject({ switched: false });
    });

    test('what somebody else changes at the very moment is told', async () => {
      if (!under.noticesMeanwhile) return;
      const expected = await under.router.read();
      under.relay.trouble({ carries: under.writes, before: () => under.elsewhere([under.c]) });
      await expect(under.router.point({ expected, to: [under.b] })).rejects.toMatchObject({
        code: 'TRAFFIC_CHANGED',
        message: expect.stringContaining(under.c),
      });
      expect(await targets()).toContain(under.c);
    });

    test('a change whose answer is lost is found, not repeated', async () => {
      const expected = await under.router.read();
      const plain = await writesOf(under, () => under.router.point({ expected, to: [under.b] }));
      await under.elsewhere([under.a]);
      under.relay.trouble({ carries: under.writes, how: 'lose' });
      const lossy = await writesOf(under, () => point([under.b]));
      expect(lossy).toBe(plain);
      expect(await targets()).toEqual([under.b]);
    });

    test('a change that never arrived is repeated', async () => {
      under.relay.trouble({ carries: under.writes, how: 'drop' });
      expect(await point([under.b])).toMatchObject({ switched: true, state: { targets: [under.b] } });
    });

    test('a change that nobody answers ends when the run is cancelled', async () => {
      under.relay.trouble({ carries: under.writes, how: 'hang' });
      const cancelled = AbortSignal.timeout(300);
      await expect(point([under.b], cancelled)).rejects.toBe(await reasonOf(cancelled));
    });

    test('no target, and one that it cannot send to, are refused, and nothing is changed', async () => {
      for (const to of [[], [under.impossible]])
        await expect(point(to)).rejects.toMatchObject({ code: 'TRAFFIC_REFUSED' });
      expect(await targets()).toEqual([under.a]);
    });

    test('a router that is away is waited for, and switched when it is back', async () => {
      const expected = await under.router.read();
      await under.down();
      const away = { code: 'TRAFFIC_UNREACHABLE' };
      await expect(under.router.read()).rejects.toMatchObject(away);
      await expect(under.router.point({ expected, to: [under.b] })).rejects.toMatchObject(away);
      await under.up();
      await under.router.point({ expected, to: [under.b] });
      expect(await targets()).toEqual([under.b]);
      await under.down();
      await under.up();
      expect(await targets()).toEqual([under.remembers ? under.b : under.a]);
    });

    test('a router that restarts in the middle is switched by the next attempt', async () => {
      const expected = await under.router.read();
      const restarting = { carries: under.writes, how: 'drop', before: () => under.down() } as const;
      under.relay.trouble(restarting);
      await expect(under.router.point({ expected, to: [under.b] })).rejects.toMatchObject({
        code: 'TRAFFIC_UNREACHABLE',
      });
      await under.up();
      await under.router.point({ expected, to: [under.b] });
      expect(await targets()).toEqual([under.b]);
    });

    test('readers notice nothing: no request fails, and slow ones end where they began', async () => {
      if (!under.public) return;
      const { url, upstreams } = under.public;
      const [old, next] = upstreams;
      const again = sentAgain();
      const visitors = startVisitors(url, VISITORS);
      await pause(1_500);
      const expected = await under.router.read();
      const began = performance.now();
      const slowBefore = old.underWay();
      await under.router.point({ expected, to: [under.b] });
      const done = performance.now();
      await pause(1_500);
      await visitors.stop();
      const { visits } = visitors;
      expect(visits.filter(({ problem }) => problem !== null)).toEqual([]);
      expect(visits.filter(({ began: at, by }) => at > done + SETTLE_MS && by !== next.name)).toEqual([]);
      // Those under way at the switch were answered by the server that they had begun with.
      const across = visits.filter((one) => one.slow && one.began < began && one.ended > done);
      expect(across.every(({ by }) => by === old.name)).toBe(true);
      expect([slowBefore > 0, across.length > 0]).toEqual([true, true]);
      expect(sentAgain() - again).toBeLessThanOrEqual(under.closesIdleConnections ? VISITORS : 0);
    });

    test('one reader after the switch is answered by the new server', async () => {
      if (!under.public) return;
      const agent = new Agent({ keepAlive: true });
      const ask = async (): Promise<string | null> => (await visit(under.public?.url ?? '', agent)).by;
      expect(await ask()).toBe('a');
      await point([under.b]);
      expect(await ask()).toBe('b');
      agent.destroy();
    });
  });
}

const VISITORS = 20;

/** Caddy answers when the new configuration runs; a connection that is busy keeps the old one until its answer is out. */
const SETTLE_MS = SLOW_MS + 100;

async function writesOf(under: RouterUnderTest, work: () => ReturnType<TrafficRouter['point']>): Promise<number> {
  const before = under.relay.count(under.writes);
  const { switched, state } = await work();
  expect([switched, sameTargets(state.targets, [under.b])]).toEqual([true, true]);
  return under.relay.count(under.writes) - before;
}

function reasonOf(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)));
}

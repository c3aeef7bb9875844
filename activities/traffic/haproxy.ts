import type { HaproxyConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { sameTargets, type TrafficRouter, type TrafficState } from '../../domain/traffic.ts';
import { sleep } from '../sleep.ts';
import { askHaproxy } from './haproxy-socket.ts';
import { readServers, type Server, stateCommands } from './haproxy-state.ts';
import { createRouter, type Lever, type Switch } from './switch-over.ts';

const LOOK_EVERY_MS = 50;

interface Seen extends TrafficState {
  readonly servers: readonly Server[];
}

/**
 * The servers of one HAProxy backend, by its runtime API. The new server is checked before it gets a request, and the old one is
 * drained, or put into maintenance where readers are bound to it, only when the new one is up. Targets are told as they are set,
 * not as checks find them: a server that is down for a moment is one all the same.
 *
 * HAProxy locks nothing: switches of this process go one after the other, and every change is looked at. It forgets all of this
 * when it is reloaded or restarted, unless a `server-state-file` is kept: what starts next is what its configuration says.
 */
export function createHaproxyRouter(config: HaproxyConfig): TrafficRouter {
  const what = `HAProxy at ${config.socket}, backend ${config.backend} (until it is reloaded)`;
  const ask = (line: string, signal?: AbortSignal): Promise<string> => askHaproxy(config.socket, line, signal);
  const look = async (signal?: AbortSignal): Promise<Seen> =>
    seenOf(config, readServers(what, await ask(stateCommands(config.backend), signal)));
  const tell: Tell = async (server, orders, signal) => {
    const said = await ask(orders.map((order) => `set server ${config.backend}/${server} ${order}`).join('; '), signal);
    if (said.trim() !== '') throw refused(what, `${server}: ${said.trim()}`);
  };
  const lever: Lever<Seen> = {
    what,
    look,
    async change({ servers }, to, signal) {
      const wanted = to.map((target) => serverFor(what, config, servers, target));
      const next = wanted.find((server) => !(server.isIn && server.isUp));
      if (next) return bringIn({ what, config, look, tell }, next, signal);
      const old = othersStillIn(config, servers, to)[0];
      if (old) await tell(old.name, [`state ${isBound(config, old) ? 'maint' : 'drain'}`], signal);
    },
    isHalfWay,
    isDone: ({ servers }, to) => othersStillIn(config, servers, to).length === 0,
  };
  const { read, point } = createRouter(lever);
  return {
    what,
    read,
    point: (input, signal) => oneAtATime(`${config.socket} ${config.backend}`, () => point(input, signal)),
  };
}

type Tell = (server: string, orders: readonly string[], signal?: AbortSignal) => Promise<void>;

interface Hands {
  readonly what: string;
  readonly config: HaproxyConfig;
  readonly look: (signal?: AbortSignal) => Promise<Seen>;
  readonly tell: Tell;
}

/**
 * A server that leaves maintenance counts as up before it was checked, with the check of long ago beside it. So it is drained first
 * and said to be down: what is up after that, has been found so now.
 * @throws RecoveryError TRAFFIC_REFUSED when it does not come up
 */
async function bringIn({ what, config, look, tell }: Hands, server: Server, signal?: AbortSignal): Promise<void> {
  const { name } = server;
  if (server.inMaintenance && server.hasChecks) await tell(name, ['state drain', 'health down'], signal);
  for (const until = Date.now() + config.upSeconds * 1000; server.hasChecks; await sleep(LOOK_EVERY_MS, signal)) {
    const now = (await look(signal)).servers.find((one) => one.name === name);
    if (now?.isUp) break;
    if (Date.now() > until)
      throw refused(what, `${name} is not up after ${config.upSeconds} s: ${now?.status ?? 'it is gone'}`);
  }
  await tell(name, ['state ready', ...(server.weight > 0 ? [] : ['weight 100%'])], signal);
}

function seenOf(config: HaproxyConfig, servers: readonly Server[]): Seen {
  const all = servers.filter(({ isIn }) => isIn);
  const first = all.filter(({ isBackup }) => !isBackup);
  const used = first.length > 0 ? first : all;
  return { targets: used.map((server) => targetOf(config, server)), revision: null, servers };
}

function targetOf({ servers }: HaproxyConfig, { name, address }: Server): string {
  return servers[name] ?? address;
}

function serverFor(what: string, config: HaproxyConfig, servers: readonly Server[], target: string): Server {
  const found = servers.find((server) => targetOf(config, server) === target);
  if (found) return found;
  const known = servers.map((server) => `${server.name} (${targetOf(config, server)})`).join(', ');
  throw refused(what, `${target} is no server of this backend, which has ${known}`);
}

/** Readers who are bound to a server get there though it is drained. */
function isBound({ sticky }: HaproxyConfig, { hasCookie }: Server): boolean {
  return sticky || hasCookie;
}

/** Servers other than those wanted that get requests now. One that only steps in for others may wait in its place. */
function othersStillIn(config: HaproxyConfig, servers: readonly Server[], to: readonly string[]): Server[] {
  const others = servers.filter((server) => !to.includes(targetOf(config, server)));
  const { targets } = seenOf(config, servers);
  return others.filter((server) =>
    isBound(config, server) ? !server.inMaintenance : targets.includes(targetOf(config, server)),
  );
}

/** First the new ones come in, one by one, then the old ones go: broken off, there is one of the two, and nothing else. */
function isHalfWay({ targets }: Seen, { expected, to }: Switch): boolean {
  const within = targets.every((target) => expected.targets.includes(target) || to.includes(target));
  const has = (all: readonly string[]): boolean => all.every((target) => targets.includes(target));
  return within && (has(expected.targets) || has(to)) && !sameTargets(targets, []);
}

const last = new Map<string, Promise<unknown>>();

function oneAtATime<T>(key: string, work: () => Promise<T>): Promise<T> {
  const mine = (last.get(key) ?? Promise.resolve()).then(work, work);
  last.set(key, mine);
  return mine;
}

function refused(what: string, why: string): RecoveryError {
  return new RecoveryError('TRAFFIC_REFUSED', `${what}: ${why}`);
}

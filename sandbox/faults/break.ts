import { get } from 'node:http';
import { z } from 'zod';
import { foldersOf, repositoryOf } from '../app/places.ts';
import type { ControlledPart, Fault, FaultContext, LiveApp } from './fault.ts';
import { faults } from './index.ts';

const ADMIN_MS = 5_000;

/** The part of a running sandbox that faults need. */
export interface BreakableStack {
  readonly env: Readonly<Record<string, string>>;
  readonly urls: {
    readonly qdrantFaults: string | null;
    readonly neonFaults?: string | null;
    readonly caddyAdmin?: string;
    readonly appBackup?: string;
  };
  readonly dir?: string | undefined;
  kill(part: ControlledPart | 'neon'): Promise<void>;
  start?(part: ControlledPart | 'neon'): Promise<void>;
  restart(part: ControlledPart | 'neon'): Promise<void>;
}

/** Breaks something in a running sandbox. Returns a sentence that says what. @throws Error naming the faults there are */
export function breakStack(stack: BreakableStack, system: string, name: string, seed?: number): Promise<string> {
  return findFault(system, name).inject(contextOf(stack, seed));
}

/** Ends an outage. @throws Error for damage, which only a recovery mends */
export async function endOutage(stack: BreakableStack, system: string, name: string): Promise<void> {
  const { end } = findFault(system, name);
  if (!end) throw new Error(`${name} is damage and no outage: only a recovery mends it`);
  await end(contextOf(stack));
}

/** @throws Error naming the faults there are */
export function findFault(system: string, name: string): Fault {
  const known = Object.entries(faults).flatMap(([one, all]) =>
    Object.entries(all).map(([key, fault]) => ({ one, key, fault })),
  );
  const found = known.find(({ one, key }) => one === system && key === name);
  if (!found)
    throw new Error(
      `there is no fault ${system} ${name}; there are ${known.map(({ one, key }) => `${one} ${key}`).join(', ')}`,
    );
  return found.fault;
}

function contextOf(stack: BreakableStack, seed?: number): FaultContext {
  // Where Postgres is Neon's, there is no server of its own to kill.
  const onNeon = (stack.urls.neonFaults ?? null) !== null;
  const partOf = (part: ControlledPart): ControlledPart | 'neon' => (part === 'postgres' && onNeon ? 'neon' : part);
  const control = {
    kill: (part: ControlledPart) => stack.kill(partOf(part)),
    restart: (part: ControlledPart) => stack.restart(partOf(part)),
    start: (part: ControlledPart) => (stack.start ? stack.start(partOf(part)) : stack.restart(partOf(part))),
  };
  const { dir, env } = stack;
  return {
    env,
    control,
    dir,
    qdrantFaultUrl: stack.urls.qdrantFaults ?? undefined,
    liveApp: dir === undefined ? undefined : () => liveAppOf(dir, stack.urls),
    seed,
  };
}

/** What the router says: the fault is to strike the server that serves, whichever that is by now. */
async function liveAppOf(dir: string, { caddyAdmin, appBackup }: BreakableStack['urls']): Promise<LiveApp> {
  const text = await readAdmin(`${caddyAdmin}/id/app-proxy/upstreams`);
  const [upstream] = z.array(z.object({ dial: z.string() })).parse(JSON.parse(text));
  const backup = appBackup !== undefined && upstream?.dial === new URL(appBackup).host;
  return {
    part: backup ? 'app-backup' : 'app',
    folders: foldersOf(dir, backup ? 'backup' : 'primary'),
    repository: repositoryOf(dir),
  };
}

/** Caddy's admin API takes the headers that `fetch` adds for those of a page in a browser, and refuses. */
function readAdmin(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: ADMIN_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.once('end', () => resolve(text));
    });
    request.once('timeout', () => request.destroy(new Error('the router does not answer')));
    request.once('error', reject);
  });
}

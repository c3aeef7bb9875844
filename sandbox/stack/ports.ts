import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../launch/lock.mjs';
import type { StackPorts } from './types.ts';

/** Below the ports that systems hand out for outgoing connections, so that nobody takes one between choice and use. */
const FROM = 20_000;
const TO = 32_000;
const ATTEMPTS = 200;

const NAMES = [
  'temporal',
  'temporalUi',
  'temporalHttp',
  'temporalMetrics',
  'postgres',
  'neon',
  'neonFaults',
  'neonEndpoint',
  'qdrant',
  'qdrantGrpc',
  'qdrantFaults',
  'standby',
  'standbyGrpc',
  'standbyFaults',
  'embeddings',
  'app',
  'appBackup',
  'caddy',
  'caddyAdmin',
  'control',
] as const satisfies readonly (keyof StackPorts)[];

/** Whether nobody listens on this loopback port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Takes a port for this process, among all sandboxes of this machine: several that start at once look for free ports before any of
 * them listens. A claim ends with its process.
 */
function claim(port: number): boolean {
  const folder = join(tmpdir(), 'dr-sandbox-ports');
  const file = join(folder, String(port));
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const owner = ownerOf(file);
    if (owner !== undefined && owner !== process.pid && isAlive(owner)) return false;
    // Somebody dead, or ourselves. Where nothing can be written, a free port must do.
    rmSync(file, { force: true });
    return owner === undefined || takeOver(file);
  }
}

/** Of two who find the same dead owner one wins. */
function takeOver(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return ownerOf(file) === process.pid;
  }
}

function ownerOf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

async function choose(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FROM, TO);
    if (!taken.has(port) && claim(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free loopback port between ${FROM} and ${TO} found in ${ATTEMPTS} attempts`);
}

/** One free port for each name; those of the last run where they still are free, so that bookmarks go on working. */
export async function choosePorts(before: Readonly<Record<string, number>> = {}): Promise<StackPorts> {
  const chosen: Partial<Record<keyof StackPorts, number>> = {};
  const taken = new Set<number>();
  for (const name of NAMES) {
    const last = before[name];
    const port =
      last !== undefined && !taken.has(last) && claim(last) && (await isFree(last)) ? last : await choose(taken);
    taken.add(port);
    chosen[name] = port;
  }
  return chosen as StackPorts;
}

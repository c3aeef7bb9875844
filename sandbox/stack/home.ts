import { randomBytes } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../launch/lock.mjs';
import { waitUntil } from './wait.ts';
import type { StackPorts, StackSecrets } from './types.ts';

const WATCHDOG_MS = 15_000;

const secretsSchema = z.object({
  postgresAdmin: z.string().min(1),
  postgres: z.string().min(1),
  qdrant: z.string().min(1),
  qdrantReadOnly: z.string().min(1),
  control: z.string().min(1),
}) satisfies z.ZodType<StackSecrets>;

const runningSchema = z.object({ pid: z.int(), watchdog: z.int().optional() });

/** For its owner alone: it holds passwords. */
export function writePrivate(file: string, text: string): void {
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600 });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Passwords of a sandbox: made once, kept with the data that they open. */
export function readSecrets(dir: string): StackSecrets {
  const file = join(dir, 'secrets.json');
  const known = secretsSchema.safeParse(readJson(file));
  if (known.success) return known.data;
  const names = ['postgresAdmin', 'postgres', 'qdrant', 'qdrantReadOnly', 'control'] as const;
  // Hexadecimal: needs no quoting in URLs, shells and SQL.
  const made = secretsSchema.parse(Object.fromEntries(names.map((name) => [name, randomBytes(20).toString('hex')])));
  writePrivate(file, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

/** Ports of the last run, to be used again where they are free. */
export function readPorts(dir: string): Record<string, number> {
  const known = z.record(z.string(), z.int().min(1).max(65_535)).safeParse(readJson(join(dir, 'ports.json')));
  return known.success ? known.data : {};
}

export function writePorts(dir: string, ports: StackPorts): void {
  writeFileSync(join(dir, 'ports.json'), `${JSON.stringify(ports, null, 2)}\n`);
}

/**
 * Makes the folder ours. Waits for the watchdog of a run that was killed, which is still ending that run's servers.
 * @throws Error when a sandbox of this name runs
 */
export async function occupy(dir: string, name: string, fresh: boolean): Promise<void> {
  const file = join(dir, 'running.json');
  const before = runningSchema.safeParse(readJson(file));
  if (before.success) {
    const { pid, watchdog } = before.data;
    if (isAlive(pid)) {
      throw new Error(
        `the sandbox '${name}' runs already (process ${pid}): stop that one, or start another with --name`,
      );
    }
    await waitUntil('the end of the last run', () => expectGone(watchdog), { deadlineMs: WATCHDOG_MS });
  }
  if (fresh) rmSync(dir, { recursive: true, force: true });
  mkdirSync(join(dir, 'logs'), { recursive: true });
  noteRunning(dir, undefined);
}

function expectGone(pid: number | undefined): Promise<void> {
  return pid !== undefined && isAlive(pid)
    ? Promise.reject(new Error(`process ${pid} is still ending its servers`))
    : Promise.resolve();
}

export function noteRunning(dir: string, watchdog: number | undefined): void {
  writeFileSync(join(dir, 'running.json'), JSON.stringify({ pid: process.pid, watchdog }));
}

export function release(dir: string): void {
  rmSync(join(dir, 'running.json'), { force: true });
}

const currentSchema = z.looseObject({ dir: z.string(), pid: z.int() });
const CURRENT = 'current.json';

/** What `.sandbox/current.json` says of the sandbox that was started last. */
export interface Current {
  readonly name: string;
  readonly dir: string;
  readonly environmentFile: string;
  readonly control?: { readonly url: string; readonly token: string };
}

/** Names this sandbox as the current one. Holds the control port's token. */
export function writeCurrent(folder: string, current: Current): void {
  const text = `${JSON.stringify({ ...current, pid: process.pid }, null, 2)}\n`;
  for (const place of [current.dir, folder]) writePrivate(join(place, CURRENT), text);
}

/** Takes the name back. When another sandbox still runs, that one is the current one again. */
export function clearCurrent(folder: string, dir: string): void {
  rmSync(join(dir, CURRENT), { force: true });
  const file = join(folder, CURRENT);
  const current = currentSchema.safeParse(readJson(file));
  if (current.success && current.data.dir !== dir) return;
  rmSync(file, { force: true });
  const others = globSync('run/*/current.json', { cwd: folder }).map((name) =>
    currentSchema.safeParse(readJson(join(folder, name))),
  );
  const running = others.find((other) => other.success && isAlive(other.data.pid));
  if (running?.success) writePrivate(file, `${JSON.stringify(running.data, null, 2)}\n`);
}

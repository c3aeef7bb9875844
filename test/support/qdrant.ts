import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type QdrantConfig, qdrantConfigSchema } from '../../config/schema.ts';

const ROOT = process.cwd();
export const ADMIN_KEY = 'test-admin-key';
export const READ_KEY = 'test-read-only-key';

/** The sandbox's Qdrant (the real engine behind a REST front) in a folder and on ports of its own. */
export interface QdrantUnderTest {
  readonly url: string;
  /** Settings that reach it with the right keys. */
  config(overrides?: object): QdrantConfig;
  /** A request with the admin key; throws unless it is answered with 200. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Turns a fault switch on, or all of them off. */
  fault(name: string, parameters: object): Promise<void>;
  noFaults(): Promise<void>;
  stop(): Promise<void>;
}

/** @param open true for a server without any key */
export async function startQdrant({ open = false } = {}): Promise<QdrantUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'qdrant-'));
  const [port, faultPort] = [await freePort(), await freePort()];
  const server = await launch(folder, port, faultPort, open);
  const url = `http://127.0.0.1:${port}`;
  const faults = `http://127.0.0.1:${faultPort}/faults`;
  return {
    url,
    config: (overrides = {}) =>
      qdrantConfigSchema.parse({ url, ...(open ? {} : { apiKey: ADMIN_KEY, readOnlyApiKey: READ_KEY }), ...overrides }),
    call: async <T>(method: string, path: string, body?: unknown) =>
      ((await send(method, url + path, body)) as { result: T }).result,
    fault: async (name, parameters) => void (await send('PUT', `${faults}/${name}`, parameters)),
    noFaults: async () => void (await send('DELETE', faults)),
    stop: async () => {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function python(): string {
  const provisioned = join(ROOT, '.sandbox/python/bin/python');
  return process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : 'python3');
}

async function launch(folder: string, port: number, faultPort: number, open: boolean): Promise<ChildProcess> {
  const ports = ['--port', String(port), '--fault-port', String(faultPort)];
  const folders = ['--storage', join(folder, 'storage'), '--snapshots', join(folder, 'snapshots')];
  const keys = { QDRANT__SERVICE__API_KEY: ADMIN_KEY, QDRANT__SERVICE__READ_ONLY_API_KEY: READ_KEY };
  const server = spawn(python(), [join(ROOT, 'sandbox/qdrant/server.py'), ...ports, ...folders], {
    env: { ...process.env, ...(open ? {} : keys) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  for (const deadline = Date.now() + 30_000; !output.includes(`front on 127.0.0.1:${port}`); await pause(20)) {
    if (Date.now() > deadline || server.exitCode !== null) throw new Error(`Qdrant did not start:\n${output}`);
  }
  return server;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function send(method: string, url: string, body?: unknown): Promise<unknown> {
  const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
  const answer = await fetch(url, { method, headers: { 'api-key': ADMIN_KEY }, body: text });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${said}`);
  return said === '' ? undefined : (JSON.parse(said) as unknown);
}

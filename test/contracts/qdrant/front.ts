import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send, type Exchange } from './exchange.ts';
import { writeJson, type Json } from './json.ts';
import type { Place } from './player.ts';

const root = join(import.meta.dirname, '../../..');
const ADMIN_KEY = 'contract-admin-key';
const READ_KEY = 'contract-read-key';

function pythonExecutable(): string {
  const provisioned = join(root, '.sandbox/python/bin/python');
  return process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : 'python3');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The sandbox's Qdrant in a folder of its own. It can be killed and started again over the same data. */
export class Front {
  readonly place: Place & { snapshotsDir: string; storageDir: string };
  readonly faultUrl: string;
  readonly folder: string;
  private readonly port: number;
  private readonly faultPort: number;
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(folder: string, port: number, faultPort: number) {
    this.folder = folder;
    this.port = port;
    this.faultPort = faultPort;
    this.place = {
      url: `http://127.0.0.1:${port}`,
      apiKey: ADMIN_KEY,
      readOnlyKey: READ_KEY,
      snapshotsDir: join(folder, 'snapshots'),
      storageDir: join(folder, 'storage'),
    };
    this.faultUrl = `http://127.0.0.1:${faultPort}`;
  }

  static async start(): Promise<Front> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'qdrant-contract-')));
    const front = new Front(folder, await freePort(), await freePort());
    await front.launch();
    return front;
  }

  async launch(): Promise<void> {
    this.process = this.spawn(this.port, this.faultPort, (text) => (this.output += text));
    const deadline = Date.now() + 30_000;
    while (!this.output.includes(`front on 127.0.0.1:${this.port}`)) {
      if (Date.now() > deadline || this.process.exitCode !== null) {
        throw new Error(`the front did not start:\n${this.output}`);
      }
      await sleep(20);
    }
  }

  /** What a second server over the same folders says before it gives up. */
  async launchBeside(): Promise<string> {
    let output = '';
    const second = this.spawn(await freePort(), await freePort(), (text) => (output += text));
    await new Promise((resolve) => second.once('close', resolve));
    return output;
  }

  private spawn(port: number, faultPort: number, hear: (text: string) => void): ChildProcess {
    const ports = ['--port', String(port), '--fault-port', String(faultPort)];
    const folders = ['--storage', this.place.storageDir, '--snapshots', this.place.snapshotsDir];
    const started = spawn(pythonExecutable(), [join(root, 'sandbox/qdrant/server.py'), ...ports, ...folders], {
      env: { ...process.env, QDRANT__SERVICE__API_KEY: ADMIN_KEY, QDRANT__SERVICE__READ_ONLY_API_KEY: READ_KEY },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (text: Buffer) => hear(text.toString()));
    return started;
  }

  get banner(): string {
    return this.output;
  }

  /** Ends the process the hard way, as a power switch would: no flush, no goodbye. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
    this.output = '';
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await gone;
  }

  call(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Exchange> {
    const bytes = body === undefined ? undefined : Buffer.from(writeJson(body));
    return send(this.place.url + path, method, { 'api-key': ADMIN_KEY, ...headers }, bytes, 60_000);
  }

  async result<T>(method: string, path: string, body?: Json): Promise<T> {
    const { status, data } = await this.call(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${data.toString()}`);
    return (JSON.parse(data.toString()) as { result: T }).result;
  }

  fault(method: 'PUT' | 'DELETE' | 'GET', name = '', params?: Json): Promise<Exchange> {
    const bytes = params === undefined ? undefined : Buffer.from(writeJson(params));
    return send(`${this.faultUrl}/faults${name && `/${name}`}`, method, {}, bytes, 10_000);
  }
}

/** A real server to play against instead, when the environment names one. */
export function realServer(): Place | undefined {
  const url = process.env['QDRANT_CONTRACT_URL'];
  if (!url) return undefined;
  return {
    url: url.replace(/\/$/, ''),
    apiKey: process.env['QDRANT_CONTRACT_API_KEY'] ?? '',
    readOnlyKey: process.env['QDRANT_CONTRACT_READ_ONLY_KEY'] ?? '',
    snapshotsDir: process.env['QDRANT_CONTRACT_SNAPSHOTS_DIR'],
    storageDir: process.env['QDRANT_CONTRACT_STORAGE_DIR'],
  };
}

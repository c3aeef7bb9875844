import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './ports.ts';

const ROOT = process.cwd();
const START_MS = 30_000;
export const ADMIN_KEY = 'test-admin-key';
export const READ_KEY = 'test-read-only-key';

/** Where a front lives. */
export interface Grounds {
  readonly folder: string;
  readonly port: number;
  readonly faultPort: number;
  /** True for a server without any key. */
  readonly open: boolean;
}

export async function makeGrounds(open = false): Promise<Grounds> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'qdrant-')));
  return { folder, port: await freePort(), faultPort: await freePort(), open };
}

/** The process of the sandbox's Qdrant (the real engine behind a REST front). It can be started again over its data. */
export class FrontProcess {
  readonly url: string;
  readonly faultUrl: string;
  readonly storageDir: string;
  readonly snapshotsDir: string;
  readonly #grounds: Grounds;
  #process: ChildProcess | undefined;
  #output = '';

  constructor(grounds: Grounds) {
    this.#grounds = grounds;
    this.url = `http://127.0.0.1:${grounds.port}`;
    this.faultUrl = `http://127.0.0.1:${grounds.faultPort}`;
    this.storageDir = join(grounds.folder, 'storage');
    this.snapshotsDir = join(grounds.folder, 'snapshots');
  }

  /** What the server has printed since it was started. */
  get banner(): string {
    return this.#output;
  }

  /** The first start; nothing is left when it fails. */
  async open(): Promise<this> {
    try {
      await this.launch();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async launch(): Promise<void> {
    const { port, faultPort } = this.#grounds;
    this.#output = '';
    const started = this.#spawn(port, faultPort, (text) => (this.#output += text));
    this.#process = started;
    for (const deadline = Date.now() + START_MS; !this.#output.includes(`front on 127.0.0.1:${port}`);) {
      if (Date.now() > deadline || started.exitCode !== null) throw new Error(`Qdrant did not start:\n${this.#output}`);
      await pause(20);
    }
  }

  /** What a second server over the same folders says before it gives up. */
  async launchBeside(): Promise<string> {
    let output = '';
    const second = this.#spawn(await freePort(), await freePort(), (text) => (output += text));
    await new Promise((resolve) => second.once('close', resolve));
    return output;
  }

  /** Ends the process the hard way, as a power switch would: no flush, no goodbye. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#grounds.folder, { recursive: true, force: true });
  }

  #spawn(port: number, faultPort: number, hear: (text: string) => void): ChildProcess {
    const ports = ['--port', String(port), '--fault-port', String(faultPort)];
    const folders = ['--storage', this.storageDir, '--snapshots', this.snapshotsDir];
    const keys = { QDRANT__SERVICE__API_KEY: ADMIN_KEY, QDRANT__SERVICE__READ_ONLY_API_KEY: READ_KEY };
    const script = join(ROOT, 'sandbox/qdrant/server.py');
    const started = spawn(python(), [script, ...ports, ...folders, '--die-with-parent'], {
      env: { ...process.env, ...(this.#grounds.open ? {} : keys) },
      // Its input ends when this process does, in whatever way: a test run that is killed leaves no server behind.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (text: Buffer) => hear(text.toString()));
    return started;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await gone;
  }
}

function python(): string {
  const provisioned = join(ROOT, '.sandbox/python/bin/python');
  return process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : 'python3');
}

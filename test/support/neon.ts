import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createApiClient, type Operation } from '@neondatabase/api-client';
import type { NeonOptions } from '../../sandbox/neon/settings.ts';
import { freePort } from './ports.ts';
import { findBinDir } from './postgres.ts';

const START_MS = 30_000;
const SETTLE_MS = 60_000;
const LOOK_EVERY_MS = 20;

export type NeonClient = ReturnType<typeof createApiClient>;

/** A project of Neon's, real or ours, through the vendor's client. */
export interface NeonProject {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly id: string;
  readonly client: NeonClient;
  /** How often to look at an operation: the real service counts requests. */
  readonly lookEveryMs: number;
}

/** The stand-in as a process of its own, which can be killed and started again over its data. */
export class NeonStandIn implements NeonProject {
  readonly apiKey = 'test-neon-key';
  readonly lookEveryMs = LOOK_EVERY_MS;
  readonly id = 'test-project-12345678';
  readonly apiUrl: string;
  readonly client: NeonClient;
  readonly #folder: string;
  readonly #faults: string;
  readonly #options: Pick<NeonOptions, 'port' | 'faultPort'>;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(folder: string, port: number, faultPort: number) {
    this.#folder = folder;
    this.#options = { port, faultPort };
    this.#faults = `http://127.0.0.1:${faultPort}/faults`;
    this.apiUrl = `http://127.0.0.1:${port}/api/v2`;
    this.client = createApiClient({ apiKey: this.apiKey, baseURL: this.apiUrl, timeout: START_MS });
  }

  static async start(options: Partial<NeonOptions> = {}): Promise<NeonStandIn> {
    const folder = await mkdtemp(join(tmpdir(), 'neon-'));
    const standIn = new NeonStandIn(folder, await freePort(), await freePort());
    const settings: NeonOptions = {
      directory: join(folder, 'data'),
      binDir: await findBinDir(),
      apiKey: standIn.apiKey,
      projectId: standIn.id,
      operationDelayMs: 5,
      ...standIn.#options,
      ...options,
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(settings), { mode: 0o600 });
    await standIn.launch();
    return standIn;
  }

  async launch(): Promise<void> {
    this.#output = '';
    const child = spawn(
      process.execPath,
      ['sandbox/neon/main.ts', '--config', join(this.#folder, 'config.json'), '--die-with-parent'],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => (this.#output += text.toString()));
    for (const deadline = Date.now() + START_MS; !this.#output.includes('neon on '); await pause(LOOK_EVERY_MS)) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`Neon did not start:\n${this.#output}`);
    }
  }

  /** Ends the process the hard way. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    // Clusters that outlived a kill are still being ended, perhaps.
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  async fault(name: string, parameters: object = {}): Promise<void> {
    const answer = await fetch(`${this.#faults}/${name}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async noFaults(): Promise<void> {
    await fetch(this.#faults, { method: 'DELETE' });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill(signal);
    await gone;
  }
}

/** Waits until every operation is through. @throws Error when one is not finished in the end */
export async function settled(
  { client, id, lookEveryMs }: NeonProject,
  operations: readonly Operation[],
): Promise<void> {
  for (const { id: operation, action } of operations) {
    for (const deadline = Date.now() + SETTLE_MS; ; await pause(lookEveryMs)) {
      const { data } = await client.getProjectOperation(id, operation);
      const { status } = data.operation;
      if (['finished', 'skipped'].includes(status)) break;
      if (['error', 'cancelled'].includes(status) || Date.now() > deadline) throw new Error(`${action} is ${status}`);
    }
  }
}

/** What an unsuccessful answer says. @throws Error when the call succeeds, or gets no answer */
export async function refusalOf(call: Promise<unknown>): Promise<{ status: number; code?: string; message: string }> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  const response = (error as { response?: { status: number; data: { code?: string; message: string } } }).response;
  if (!response) throw error;
  return { status: response.status, ...response.data };
}

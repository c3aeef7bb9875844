import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import pg from 'pg';
import type { RunStatus } from '../../domain/report.ts';
import type { PartialLossInput } from '../../domain/run-input.ts';
import { breakStack } from '../../sandbox/faults/break.ts';
import { seed } from '../../sandbox/seed.ts';
import { type Control, openControl } from '../../sandbox/stack/control.ts';
import { startStack } from '../../sandbox/stack/stack.ts';
import type { Stack } from '../../sandbox/stack/types.ts';
import type { backUpStack } from '../../workflows/back-up-stack.ts';
import { approveUpdate, commitUpdate, statusQuery } from '../../workflows/messages.ts';
import type { recoverPartialQdrantLoss } from '../../workflows/recover-partial-qdrant-loss.ts';

export type LossRun = WorkflowHandleWithFirstExecutionRunId<typeof recoverPartialQdrantLoss>;

export const QUEUE = 'recovery-sandbox';
export const COLLECTION = 'textbook-content-v1';

/** A whole sandbox, seeded and backed up, with hands to break it, to run things on it and to look at it. */
export class Scenario {
  readonly stack: Stack;
  readonly client: Client;
  readonly #folder: string;
  #runs = 0;

  readonly #control: Control;

  private constructor(stack: Stack, control: Control, client: Client, folder: string) {
    this.stack = stack;
    this.#control = control;
    this.client = client;
    this.#folder = folder;
  }

  /** Starts from nothing, in a folder of its own. */
  static async start({ points = 0, neon = false }: { points?: number; neon?: boolean } = {}): Promise<Scenario> {
    const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
    let stack: Stack | undefined;
    try {
      shareCache(folder);
      stack = await startStack({ name: 'scenario', folder, neon });
      await seed({ dir: stack.dir, env: stack.env }, { points });
      const connection = await Connection.connect({ address: stack.env['TEMPORAL_ADDRESS'] ?? '' });
      return new Scenario(
        stack,
        await openControl(stack),
        new Client({ connection, identity: 'ann@scenario' }),
        folder,
      );
    } catch (error) {
      await stack?.stop();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.client.connection.close();
    await this.#control.close();
    await this.stack.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async backUp(): Promise<string> {
    const report = await this.client.workflow.execute<typeof backUpStack>('backUpStack', {
      taskQueue: QUEUE,
      workflowId: `backup/${(this.#runs += 1)}`,
      args: [{}],
    });
    if (report.verdict !== 'pass' || report.set === undefined) throw new Error(`the backup ended ${report.outcome}`);
    return report.set;
  }

  /** Injects faults; deterministic, so a later test breaks what an earlier one healed. */
  async break(...faults: string[]): Promise<void> {
    for (const fault of faults) await breakStack(this.stack, 'qdrant', fault);
  }

  run(input: PartialLossInput = {}): Promise<LossRun> {
    const workflowId = `loss/${(this.#runs += 1)}`;
    return this.client.workflow.start<typeof recoverPartialQdrantLoss>('recoverPartialQdrantLoss', {
      taskQueue: QUEUE,
      workflowId,
      args: [input],
    });
  }

  /** One call of Qdrant's REST interface, with the admin key. */
  async qdrant(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.stack.env['QDRANT_URL']}${path}`, {
      method,
      headers: { 'api-key': this.stack.env['QDRANT_API_KEY'] ?? '', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** One statement on the sandbox's Postgres. */
  async sql(statement: string, values: readonly unknown[] = []): Promise<void> {
    const client = new pg.Client({ connectionString: this.stack.env['DATABASE_URL'] });
    await client.connect();
    await client.query(statement, [...values]).finally(() => client.end());
  }

  /** Every point as JSON text, by id: what "exactly as before" means. */
  async everything(collection = COLLECTION): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let offset: unknown = null; ;) {
      const page = (await this.qdrant('POST', `/collections/${collection}/points/scroll`, {
        limit: 1_000,
        with_payload: true,
        with_vector: true,
        offset,
      })) as { result: { points: { id: string }[]; next_page_offset: unknown } };
      for (const point of page.result.points) found.set(point.id, sorted(point));
      offset = page.result.next_page_offset;
      if (offset === null || offset === undefined) return found;
    }
  }

  /** Names of the databases on the sandbox's Postgres. */
  async databases(): Promise<string[]> {
    const client = new pg.Client({ connectionString: this.stack.env['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client
      .query<{ datname: string }>('SELECT datname FROM pg_database')
      .finally(() => client.end());
    return rows.map(({ datname }) => datname).sort();
  }

  /** People go on asking and writing until the load is stopped: chapters come in, and chat turns. */
  load(): { stop(): Promise<{ points: string[]; timed: { id: string; at: string }[] }> } {
    const enough = new AbortController();
    const timed: { id: string; at: string }[] = [];
    const post = async (path: string, body: object): Promise<void> => {
      const response = await fetch(`${this.stack.urls.app}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    };
    const working = (async () => {
      for (let n = 0; !enough.signal.aborted; n += 1) {
        const file = `under-load-${n}.md`;
        await post('/ingest', {
          file,
          markdown: `# Load ${n}\n\n## Part\n\nWritten while a backup was taken, number ${n}.\n`,
        });
        for (const id of await this.#idsOf(file)) timed.push({ id, at: new Date().toISOString() });
        await post('/ask', { question: `What is in part ${n}?` });
      }
    })();
    return {
      stop: async () => {
        enough.abort();
        await working;
        return { points: timed.map(({ id }) => id), timed };
      },
    };
  }

  async #idsOf(file: string): Promise<string[]> {
    const client = new pg.Client({ connectionString: this.stack.env['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client
      .query<{ id: string }>('SELECT id FROM chunks WHERE source LIKE $1', [`${file}#%`])
      .finally(() => client.end());
    return rows.map(({ id }) => id);
  }

  /** How many points a collection has. */
  async count(collection: string): Promise<number> {
    const path = `/collections/${collection}/points/count`;
    const answer = (await this.qdrant('POST', path, { exact: true })) as { result: { count: number } };
    return answer.result.count;
  }

  /** Names of the collections: what a run left beside shows here. */
  async collections(): Promise<string[]> {
    const answer = (await this.qdrant('GET', '/collections')) as { result: { collections: { name: string }[] } };
    return answer.result.collections.map(({ name }) => name).sort();
  }
}

/** Embeddings are the same in every sandbox: the textbook is embedded once on a machine, not once a test. */
function shareCache(folder: string): void {
  const cache = join(process.cwd(), '.sandbox/cache');
  mkdirSync(cache, { recursive: true });
  symlinkSync(cache, join(folder, 'cache'));
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort())
      : inner,
  );
}

const LONGEST_MS = 90_000;

/** The first status of a run that is as wanted. A worker that is away just now is waited for. */
export async function until(run: Pick<LossRun, 'query'>, wanted: (status: RunStatus) => boolean): Promise<RunStatus> {
  let last: RunStatus | undefined;
  for (const deadline = Date.now() + LONGEST_MS; Date.now() < deadline; await pause(40)) {
    last = (await run.query(statusQuery).catch(() => undefined)) ?? last;
    if (last && wanted(last)) return last;
  }
  const at = last?.steps.findLast(({ state }) => state !== 'pending');
  throw new Error(`the run did not come to it; it is at ${JSON.stringify(at)}, awaiting ${last?.awaiting}`);
}

export const running =
  (step: string) =>
  (status: RunStatus): boolean =>
    status.steps.some(({ name, state }) => name === step && state !== 'pending');

export async function approve(run: Pick<LossRun, 'query' | 'executeUpdate'>): Promise<void> {
  const { planHash = '' } = await until(run, ({ planHash }) => planHash !== undefined);
  await run.executeUpdate(approveUpdate, { args: [{ plan: planHash, approver: 'ann' }] });
}

export async function commit(run: Pick<LossRun, 'query' | 'executeUpdate'>): Promise<void> {
  await until(run, ({ awaits }) => awaits === 'commit');
  await run.executeUpdate(commitUpdate, { args: [{ by: 'ann' }] });
}

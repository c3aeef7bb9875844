import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppConfigFile } from '../../sandbox/app/config.ts';
import { MODEL } from '../../sandbox/embeddings/model.ts';
import type { BreakableStack } from '../../sandbox/faults/break.ts';
import { Front } from '../contracts/qdrant/front.ts';
import { freePort } from './ports.ts';
import { startPostgres, type TestPostgres } from './postgres.ts';

const ROOT = process.cwd();
const START_MS = 30_000;

/** A program of the sandbox that runs as a process of its own. */
export interface Running {
  readonly url: string;
  /** Everything it has printed. */
  readonly output: () => string;
  stop(): Promise<void>;
}

/** Starts a TypeScript program of the sandbox and waits until it says `<name> on <url>`. */
export async function startProgram(script: string, args: readonly string[], name: string): Promise<Running> {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const address = new RegExp(`^${name} on (http://[0-9.]+:[0-9]+)`, 'm');
  for (const deadline = Date.now() + START_MS; ; await pause(20)) {
    const url = address.exec(output)?.[1];
    if (url !== undefined) return { url, output: () => output, stop: () => ended(child) };
    if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${script} did not start:\n${output}`);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** The embedding endpoint with the project's own cache: what was embedded once costs nothing the next time. */
export function startEmbeddings(cache = join(ROOT, '.sandbox/cache/embeddings')): Promise<Running> {
  return startProgram('sandbox/embeddings/main.ts', ['--port', '0', '--cache', cache], 'embeddings');
}

/** Postgres, Qdrant and embeddings, each real and empty, and what faults need to break them. */
export interface Parts extends BreakableStack {
  readonly dir: string;
  readonly front: Front;
  readonly postgres: TestPostgres;
  /** Starts the chatbot over these parts. It is stopped with them. */
  startApp(overrides?: Partial<AppConfigFile>): Promise<Running>;
  stop(): Promise<void>;
}

export async function startParts(environment = 'test'): Promise<Parts> {
  const dir = await mkdtemp(join(tmpdir(), 'sandbox-parts-'));
  const [postgres, front, embeddings] = await startAll(dir);
  const apps: Running[] = [];
  const env = {
    DR_ENVIRONMENT: environment,
    QDRANT_URL: front.place.url,
    QDRANT_API_KEY: front.place.apiKey,
    QDRANT_COLLECTION_NAME: 'textbook-content',
    DATABASE_URL: postgres.url(),
    EMBEDDINGS_URL: `${embeddings.url}/v1`,
    EMBEDDINGS_MODEL: MODEL,
  };
  return {
    dir,
    env,
    front,
    postgres,
    urls: { qdrantFaults: front.faultUrl },
    kill: (part) => (part === 'qdrant' ? front.kill() : postgres.stop()),
    restart: (part) => (part === 'qdrant' ? front.launch() : postgres.start()),
    async startApp(overrides) {
      const config = join(dir, `app-${apps.length}.json`);
      await writeFile(config, JSON.stringify({ ...appConfigOf(env, await freePort()), ...overrides }));
      const app = await startProgram('sandbox/app/main.ts', ['--config', config], 'app');
      apps.push(app);
      return app;
    },
    async stop() {
      await Promise.all(apps.map((app) => app.stop()));
      await Promise.all([postgres.destroy(), front.stop(), embeddings.stop()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** All three, or none: what did start is stopped when another did not. */
async function startAll(dir: string): Promise<[TestPostgres, Front, Running]> {
  const starting = [startPostgres(), Front.start(), startEmbeddings()] as const;
  try {
    return await Promise.all(starting);
  } catch (error) {
    const [postgres, front, embeddings] = await Promise.allSettled(starting);
    if (postgres.status === 'fulfilled') await postgres.value.destroy();
    if (front.status === 'fulfilled') await front.value.stop();
    if (embeddings.status === 'fulfilled') await embeddings.value.stop();
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

type PartsEnvironment = Record<
  'QDRANT_URL' | 'QDRANT_API_KEY' | 'QDRANT_COLLECTION_NAME' | 'DATABASE_URL' | 'EMBEDDINGS_URL' | 'EMBEDDINGS_MODEL',
  string
>;

function appConfigOf(env: PartsEnvironment, port: number): AppConfigFile {
  return {
    port,
    qdrant: { url: env.QDRANT_URL, apiKey: env.QDRANT_API_KEY, collection: env.QDRANT_COLLECTION_NAME },
    postgres: { url: env.DATABASE_URL },
    embeddings: { url: env.EMBEDDINGS_URL, model: env.EMBEDDINGS_MODEL },
  };
}

/** A JSON request; the answer whatever its status. */
export async function request(
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: unknown }> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(url, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

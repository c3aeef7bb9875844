import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createArtifactStore } from '../activities/store/index.ts';
import type { Config } from '../config/schema.ts';
import type { ArtifactStore } from '../domain/artifacts.ts';
import { type Finding, freshnessOf, judgeFreshness, worstOf } from '../domain/freshness.ts';
import { RecoveryError } from '../domain/failures.ts';
import { listStoredSets } from '../domain/stored-set.ts';

/** Probes come every few seconds from several sides; the store is asked no more often than this. */
const FRESH_MS = 30_000;
const DEADLINE_MS = 10_000;

export interface Health {
  readonly environment: string;
  readonly store: Pick<ArtifactStore, 'list' | 'readSmall'>;
  readonly rpoSeconds: number;
  readonly verifyWithinDays: number;
  /** State of the Temporal worker; `RUNNING` when it polls. */
  readonly workerState: () => string;
  readonly now?: () => Date;
}

/** What the settings say of it. */
export function healthOf(config: Config, workerState: () => string): Health {
  return {
    environment: config.environment,
    store: createArtifactStore(config.store),
    rpoSeconds: config.objectives.rpoSeconds,
    verifyWithinDays: config.retention.verifyWithinDays,
    workerState,
  };
}

/**
 * Serves `/healthz` (worker and sets: for alarms) and `/livez` (the worker alone: for whoever restarts it, since a restart
 * brings no backup). 200, or 503 when something is broken. Reads only.
 * @throws INVALID_CONFIGURATION when it cannot listen there
 */
export async function serveHealth({ host, port }: { host: string; port: number }, health: Health): Promise<Server> {
  const look = cached(health);
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, { error: 'only GET' });
    const { environment, workerState } = health;
    const worker = { state: workerState() };
    const alive = worker.state === 'RUNNING';
    if (path === '/livez') return answer(response, alive ? 200 : 503, { environment, worker });
    if (path !== '/healthz') return answer(response, 404, { error: 'there are /healthz and /livez' });
    void look().then((findings) => {
      const state = alive ? worstOf(findings) : 'broken';
      answer(response, state === 'broken' ? 503 : 200, { state, environment, worker, findings });
    });
  });
  server.listen(port, host);
  await once(server, 'listening').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new RecoveryError('INVALID_CONFIGURATION', `worker.health: cannot listen on ${host}:${port}: ${why}`);
  });
  return server;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** One look at a time, kept for a while. Never rejects. */
function cached(health: Health): () => Promise<readonly Finding[]> {
  let last: { readonly at: number; readonly findings: Promise<readonly Finding[]> } | undefined;
  return () => {
    const at = Date.now();
    if (!last || at - last.at >= FRESH_MS) last = { at, findings: findingsOf(health) };
    return last.findings;
  };
}

async function findingsOf({
  store,
  environment,
  rpoSeconds,
  verifyWithinDays,
  now,
}: Health): Promise<readonly Finding[]> {
  const giveUp = new AbortController();
  try {
    const sets = await Promise.race([
      listStoredSets(store),
      sleep(DEADLINE_MS, undefined, { signal: giveUp.signal, ref: false }).then(() => {
        throw new Error(`no answer within ${DEADLINE_MS / 1000} s`);
      }),
    ]);
    const freshness = freshnessOf(sets, { environment, now: now?.() ?? new Date() });
    return judgeFreshness(freshness, { rpoSeconds, verifyWithinDays });
  } catch (error) {
    const message = `the artifact store cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return [{ name: 'store', state: 'broken', message, next: 'Look with `dr doctor` from here.' }];
  } finally {
    giveUp.abort();
  }
}

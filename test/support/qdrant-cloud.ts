import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type QdrantCloudConfig, qdrantCloudConfigSchema } from '../../config/qdrant-cloud.ts';
import type { CloudOptions } from '../../sandbox/qdrant-cloud/options.ts';
import { type QdrantCloud, startQdrantCloud } from '../../sandbox/qdrant-cloud/server.ts';

export const MANAGEMENT_KEY = 'test-management-key';
/** May look, and nothing else. */
export const LOOKING_KEY = 'test-looking-key';

export interface CloudReply {
  readonly status: number;
  readonly headers: Headers;
  // Answers are looked at by path in tests.
  readonly body: Record<string, unknown>;
}

/** The account and the service that a contract is played against. */
export interface CloudPlace {
  readonly url: string;
  readonly accountId: string;
  readonly clusterId: string;
  readonly key: string;
}

/** The sandbox's stand-in of Qdrant Cloud's management API, on ports and in a folder of its own. */
export interface CloudUnderTest extends CloudPlace {
  config(overrides?: object): QdrantCloudConfig;
  /** A request below `/api/cluster`, such as `backup/v1` and `/backups`. */
  backups(method: string, path: string, body?: unknown, key?: string | null): Promise<CloudReply>;
  clusters(method: string, path: string, body?: unknown, key?: string | null): Promise<CloudReply>;
  fault(name: string, parameters?: object): Promise<void>;
  noFaults(): Promise<void>;
  /** Puts the stand-in's clock so many hours ahead of the machine's, or behind it. */
  clock(offsetHours: number): Promise<void>;
  /** Ends the stand-in and starts it over the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const QUICK = {
  createMs: 30,
  updateMs: 30,
  restartMs: 30,
  suspendMs: 30,
  resumeMs: 30,
  deleteMs: 30,
  backupMs: 30,
  restoreMs: 30,
};

/** @param bound where the cluster's server is; the other options as the stand-in takes them */
export async function startCloud(
  bound: { url: string; apiKey?: string },
  options: Partial<CloudOptions> = {},
): Promise<CloudUnderTest> {
  const data = await mkdtemp(join(tmpdir(), 'qdrant-cloud-'));
  const accountId = randomUUID();
  const clusterId = randomUUID();
  const settings: CloudOptions = {
    data,
    accountId,
    keys: [
      { key: MANAGEMENT_KEY },
      { key: LOOKING_KEY, permissions: ['read:backups', 'read:backup_schedules', 'read:clusters'] },
    ],
    clusters: [{ id: clusterId, name: 'textbook', ...bound }],
    delays: QUICK,
    ...options,
  };
  let cloud: QdrantCloud = await startQdrantCloud(settings);
  const control = async (method: string, path: string, body?: object): Promise<void> => {
    const answer = await send(cloud.faultsUrl + path, method, {}, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  const ask =
    (service: string): CloudUnderTest['backups'] =>
    (method, path, body, key = MANAGEMENT_KEY) =>
      askCloud({ url: cloud.url, accountId }, service, { method, path, body, key });
  return {
    get url() {
      return cloud.url;
    },
    accountId,
    clusterId,
    key: MANAGEMENT_KEY,
    config: (overrides = {}) =>
      qdrantCloudConfigSchema.parse({ url: cloud.url, accountId, clusterId, apiKey: MANAGEMENT_KEY, ...overrides }),
    backups: ask('backup/v1'),
    clusters: ask('v1'),
    fault: (name, parameters = {}) => control('PUT', `/faults/${name}`, parameters),
    noFaults: () => control('DELETE', '/faults'),
    clock: (offsetHours) => control('PUT', '/clock', { offsetHours }),
    restart: async () => {
      await cloud.close();
      cloud = await startQdrantCloud(settings);
    },
    stop: async () => {
      await cloud.close();
      await rm(data, { recursive: true });
    },
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Null sends none. */
  readonly key: string | null;
}

/** A raw request to a management API, below one account. */
export function askCloud(
  { url, accountId }: { url: string; accountId: string },
  service: string,
  { method, path, body, key }: Asked,
): Promise<CloudReply> {
  const headers = key === null ? {} : { authorization: `apikey ${key}` };
  return send(`${url}/api/cluster/${service}/accounts/${accountId}${path}`, method, headers, body);
}

async function send(url: string, method: string, headers: Record<string, string>, body?: unknown): Promise<CloudReply> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const text = body === undefined ? null : JSON.stringify(body);
  const answer = await fetch(url, { method, headers: { ...headers, ...json }, body: text });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

const LOOK_MS = 20_000;

/** Looks again and again, until what is seen is what is waited for. */
export async function eventually<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (const deadline = Date.now() + LOOK_MS; ; await pause(20)) {
    const seen = await look();
    if (wanted(seen)) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${LOOK_MS / 1000} s; last seen: ${JSON.stringify(seen)}`);
  }
}

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { ClusterInput } from '../../domain/run-input.ts';
import { rollBackUpdate, skipStepUpdate } from '../../workflows/messages.ts';
import type { recoverQdrantCluster } from '../../workflows/recover-qdrant-cluster.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { historyOf } from '../support/histories.ts';
import { OwnWorker } from '../support/own-worker.ts';
import { type CloudUnderTest, eventually, MANAGEMENT_KEY, startCloud } from '../support/qdrant-cloud.ts';
import { approve, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

type ClusterRun = WorkflowHandleWithFirstExecutionRunId<typeof recoverQdrantCluster>;

const provisioned = join(process.cwd(), '.sandbox/python/bin/python');
const python = process.env['SANDBOX_PYTHON'] ?? (existsSync(provisioned) ? provisioned : '/usr/bin/python3');
const KEYS = { apiKey: 'admin-of-new-clusters', readOnlyApiKey: 'reader-of-new-clusters' };

const NO_STANDBY = {
  QDRANT_STANDBY_URL: undefined,
  QDRANT_STANDBY_API_KEY: undefined,
  QDRANT_STANDBY_READ_ONLY_API_KEY: undefined,
};
/** Where the worker is killed; `EVERY_STEP=1` takes longer and more of them. */
const KILLED_IN = EVERY_STEP ? ['bringUp', 'create', 'restore', 'catchUp', 'switch', 'repoint'] : ['switch'];

let scenario: Scenario;
let cloud: CloudUnderTest;
let keyFile: string;
let worker: OwnWorker;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
  await scenario.backUp();
  const { env, dir } = scenario.stack;
  cloud = await startCloud(
    { url: env['QDRANT_URL'] ?? '', apiKey: env['QDRANT_API_KEY'] ?? '' },
    { fronts: { python, env: { PATH: process.env['PATH'] ?? '' }, ...KEYS } },
  );
  keyFile = join(dir, 'cloud-keys.json');
  worker = new OwnWorker(scenario.stack);
}, 240_000);

afterAll(async () => {
  await worker?.kill();
  await cloud?.stop();
  await scenario?.stop();
}, 60_000);

afterEach(() => cloud.noFaults());

/** A worker like the sandbox's own, for which Qdrant Cloud makes the replacement. */
function startWorker(from: 'empty' | 'backup'): Promise<void> {
  const { url, accountId, clusterId } = cloud.config();
  return worker.start({
    settings: {
      qdrantCloud: { url, accountId, clusterId, apiKey: MANAGEMENT_KEY },
      qdrantReplacement: { cloud: { from, keyFile } },
    },
    env: NO_STANDBY,
  });
}

function recover(input: ClusterInput = {}): Promise<ClusterRun> {
  return scenario.client.workflow.start<typeof recoverQdrantCluster>('recoverQdrantCluster', {
    taskQueue: QUEUE,
    workflowId: `qdrant-cloud/${(runs += 1)}`,
    args: [input],
  });
}

/** Names of the clusters besides the one that was there. */
async function newClusters(): Promise<string[]> {
  const { body } = await cloud.clusters('GET', '/clusters');
  const items = body['items'] as { name: string; deletedAt: string | null }[];
  return items.filter(({ name, deletedAt }) => name !== 'textbook' && deletedAt === null).map(({ name }) => name);
}

async function cites(): Promise<string[]> {
  const [{ question }] = JSON.parse(await readFile(join(scenario.stack.dir, 'golden-questions.json'), 'utf8')) as [
    { question: string },
  ];
  const response = await fetch(`${scenario.stack.urls.app}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  });
  const { citations } = (await response.json()) as { citations: { source: string }[] };
  return citations.map(({ source }) => source);
}

describe('a cluster of Qdrant Cloud that is gone', () => {
  test('is replaced by one made from its backup, and a roll back deletes that again', async () => {
    await cloud.backups('POST', '/backups', {
      backup: { accountId: cloud.accountId, clusterId: cloud.clusterId, displayName: 'nightly' },
    });
    await eventually(
      async () => (await cloud.backups('GET', '/backups')).body['items'] as { status: string }[],
      (items) => items.some(({ status }) => status === 'BACKUP_STATUS_SUCCEEDED'),
    );
    const before = await cites();
    await startWorker('backup');
    const run = await recover({ replace: true });
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    expect(await newClusters()).toHaveLength(1);
    expect(await cites()).toEqual(before);
    await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    const report = await run.result();
    expect(report).toMatchObject({ outcome: 'rolled-back' });
    expect(report.plan?.steps.map(({ what }) => what).join()).toContain('since that backup');
    expect(await eventually(newClusters, (names) => names.length === 0)).toEqual([]);
    expect(await cites()).toEqual(before);
  }, 120_000);

  test('is replaced by an empty one that is filled from the set, though the worker is killed on the way', async () => {
    const before = await cites();
    await startWorker('empty');
    await scenario.break('disk-gone');
    const run = await recover();
    await approve(run);
    for (const step of KILLED_IN) {
      await until(run, running(step));
      await startWorker('empty');
    }
    await commit(run);
    const report = await run.result();
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(await newClusters()).toHaveLength(1);
    expect(await cites()).toEqual(before);
    // Keys are in their file, and in no history, report or config of the store.
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    const { clusters } = JSON.parse(await readFile(keyFile, 'utf8')) as {
      clusters: Record<string, { manage: { key: string }; read: { key: string } }>;
    };
    const history = await historyOf(run, 'qdrant-cloud-recovered');
    for (const { manage, read } of Object.values(clusters)) {
      expect(history).not.toContain(manage.key);
      expect(history).not.toContain(read.key);
    }
    expect(history).not.toContain(MANAGEMENT_KEY);
    // The backup that the run asked for is of the new cluster.
    const after = scenario.client.workflow.getHandle(`backup-after/${run.firstExecutionRunId}`);
    expect(await after.result()).toMatchObject({ verdict: 'pass' });
    // It is backed up at Qdrant Cloud as well, and has the declared schedule.
    for (const list of ['backups', 'backup_schedules']) {
      const { body } = await cloud.backups('GET', `/${list}?clusterId=${Object.keys(clusters)[0] ?? ''}`);
      expect(body['items']).toHaveLength(1);
    }
  }, 240_000);
});

describe('a collection with everything that Qdrant offers', () => {
  const NAME = 'exotic';
  const STRICT = { enabled: true, max_query_limit: 500, unindexed_filtering_retrieve: false };

  /** On the server that was there: named vectors, quantization, strict mode, a tenant index, and ids beyond what JSON numbers hold. */
  async function build(): Promise<void> {
    await scenario.qdrant('PUT', `/collections/${NAME}-v1`, {
      vectors: {
        google: { size: 768, distance: 'Cosine', quantization_config: { scalar: { type: 'int8', always_ram: true } } },
        local: { size: 4, distance: 'Dot', on_disk: true },
      },
      quantization_config: { binary: { always_ram: false } },
      hnsw_config: { m: 8, payload_m: 8 },
      optimizers_config: { indexing_threshold: 5_000 },
      metadata: { dr_environment: 'sandbox', owner: 'the book team' },
    });
    const index = (field_name: string, field_schema: unknown): Promise<unknown> =>
      scenario.qdrant('PUT', `/collections/${NAME}-v1/index?wait=true`, { field_name, field_schema });
    await index('tenant', { type: 'keyword', is_tenant: true });
    await index('source', 'keyword');
    await index('page', { type: 'integer', lookup: true, range: true });
    const texts = Array.from({ length: 96 }, (_, at) => `Paragraph ${at} tells how a recovery of part ${at % 7} goes.`);
    const answer = await fetch(`${scenario.stack.env['EMBEDDINGS_URL']}/embeddings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: scenario.stack.env['EMBEDDINGS_MODEL'], input: texts }),
    });
    const { data } = (await answer.json()) as { data: { embedding: number[] }[] };
    const points = texts.map((text, at) => {
      const payload = { text, source: `part-${at % 7}.md#one`, tenant: `school-${at % 3}`, page: at };
      const vector = { google: data[at]?.embedding, local: [at, 1, 2, 3] };
      return `{"id":${11529215046068469761n + BigInt(at)},"vector":${JSON.stringify(vector)},"payload":${JSON.stringify(payload)}}`;
    });
    await send('QDRANT', 'PUT', `/collections/${NAME}-v1/points?wait=true`, `{"points":[${points.join(',')}]}`);
    await scenario.qdrant('PATCH', `/collections/${NAME}-v1`, { strict_mode_config: STRICT });
    await scenario.qdrant('POST', '/collections/aliases', {
      actions: [{ create_alias: { collection_name: `${NAME}-v1`, alias_name: NAME } }],
    });
  }

  /** As text: ids beyond 2^53 would be rounded by whoever reads them. */
  async function send(
    server: 'QDRANT' | 'QDRANT_STANDBY',
    method: string,
    path: string,
    body?: string,
  ): Promise<string> {
    const { env } = scenario.stack;
    const response = await fetch(`${env[`${server}_URL`] ?? ''}${path}`, {
      method,
      headers: { 'api-key': env[`${server}_API_KEY`] ?? '', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }

  /** Id, payload and hash of the vectors; names of vectors come in any order. */
  function pointsIn(scrolled: string): unknown[] {
    const { result } = JSON.parse(scrolled.replaceAll(/"id":(\d+)/g, '"id":"$1"')) as {
      result: { points: { id: string; payload: object; vector: { google: number[]; local: number[] } }[] };
    };
    return result.points.map(({ id, payload, vector: { google, local } }) => ({
      id,
      payload,
      vectors: createHash('sha256')
        .update(JSON.stringify([google, local]))
        .digest('hex'),
    }));
  }

  async function everythingOn(
    server: 'QDRANT' | 'QDRANT_STANDBY',
  ): Promise<{ points: unknown[]; config: unknown; indexes: unknown }> {
    const body = '{"limit":200,"with_payload":true,"with_vector":true}';
    const scrolled = await send(server, 'POST', `/collections/${NAME}/points/scroll`, body);
    const described = JSON.parse(await send(server, 'GET', `/collections/${NAME}`)) as {
      result: {
        config: Record<string, unknown>;
        payload_schema: Record<string, { params?: unknown; data_type: string }>;
      };
    };
    const { config, payload_schema } = described.result;
    const indexes = Object.entries(payload_schema).map(([field, { data_type, params }]) => [field, data_type, params]);
    return { points: pointsIn(scrolled), config, indexes: indexes.sort() };
  }

  test('comes back on another server to the last bit, without rows and without an app', async () => {
    if (!scenario.stack.isRunning('qdrant')) await scenario.stack.start('qdrant');
    await build();
    const goldenQuestions = join(scenario.stack.dir, 'exotic-questions.json');
    const questions = [
      { question: 'Which paragraph tells how a recovery of part 3 goes?', sources: ['part-3.md#one'] },
    ];
    await writeFile(goldenQuestions, JSON.stringify(questions));
    const store = join(scenario.stack.dir, 'exotic-store');
    await mkdir(store);
    await worker.start({
      settings: {
        qdrant: { idStrategy: 'int', fields: { text: 'text', source: 'source' } },
        postgres: undefined,
        app: undefined,
        content: undefined,
        configuration: undefined,
        backup: {},
        embeddings: {
          identity: {
            model: scenario.stack.env['EMBEDDINGS_MODEL'],
            dimensions: 768,
            distance: 'Cosine',
            vectorName: 'google',
          },
        },
        goldenQuestions,
      },
      env: {
        QDRANT_COLLECTION_NAME: NAME,
        STORE_DIRECTORY: store,
        DATABASE_URL: undefined,
        VERIFY_DATABASE_URL: undefined,
        PG_BIN_DIR: undefined,
        APP_URL: undefined,
        APP_MAINTENANCE_HEADER: undefined,
        APP_VECTORS_HEADER: undefined,
      },
    });
    await scenario.backUp();
    const before = await everythingOn('QDRANT');
    await scenario.break('disk-gone');
    const run = await recover();
    await approve(run);
    const asked = await until(run, ({ awaits }) => awaits === 'operator' || awaits === 'commit');
    // There is no app that could be told.
    if (asked.awaits === 'operator')
      await run.executeUpdate(skipStepUpdate, { args: [{ by: 'ann', reason: 'there is no app' }] });
    await commit(run);
    const report = await run.result();
    expect(report.outcome).toBe('recovered');
    expect(report.gates.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    const after = await everythingOn('QDRANT_STANDBY');
    expect(after.points).toEqual(before.points);
    expect(after.points).toHaveLength(96);
    expect(after.points[0]).toMatchObject({ id: '11529215046068469761' });
    expect(after.indexes).toEqual(before.indexes);
    expect(after.config).toMatchObject({
      params: { vectors: { google: { size: 768 }, local: { size: 4, on_disk: true } } },
      strict_mode_config: STRICT,
    });
    const { metadata: _after, ...configAfter } = after.config as Record<string, unknown>;
    const { metadata, ...configBefore } = before.config as Record<string, unknown>;
    expect(configAfter).toEqual(configBefore);
    expect(_after).toMatchObject({ owner: 'the book team', dr_environment: 'sandbox' });
    expect(metadata).toMatchObject({ owner: 'the book team' });
  }, 180_000);
});

import { createHash } from 'node:crypto';
import { createEmbedder } from '../../../activities/content/embeddings.ts';
import { openLines } from '../../../activities/lines.ts';
import { createRowStore } from '../../../activities/postgres/index.ts';
import { createVectorStore } from '../../../activities/qdrant/vector-store.ts';
import type { StackPorts } from '../../../activities/stack/index.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { embeddingsConfigSchema, type PostgresConfig, postgresConfigSchema } from '../../../config/schema.ts';
import type { ListRef } from '../../../domain/artifacts.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import { parseFindingLine } from '../../../domain/lines.ts';
import type { Finding } from '../../../domain/reconcile.ts';
import type { VectorStore } from '../../../domain/vector-store.ts';
import { type Said, startServer, type TestServer } from '../../support/http.ts';
import { runSql, startPostgres } from '../../support/postgres.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';
import { IDENTITY } from '../../support/recovery-set.ts';

const FIELDS = { text: 'text', source: 'meta.source', chunkIndex: 'meta.index', contentHash: 'hash' };

/** A chunk as the tests speak of it. Its source follows from its id unless it is given. */
export interface Chunk {
  readonly id: string;
  readonly text: string;
  readonly source?: string;
}

/** Real Qdrant, real Postgres, and an embedding endpoint whose vectors are hashes: exact, cheap, and all different. */
export interface Stage {
  readonly ports: StackPorts & { readonly vectors: VectorStore };
  readonly qdrant: QdrantUnderTest;
  readonly embeddings: TestServer;
  /** The configured Postgres. */
  readonly postgres: PostgresConfig;
  /** A collection and a chunks table, new and empty. */
  reset(): Promise<void>;
  putRows(chunks: readonly Chunk[]): Promise<void>;
  sql(text: string): Promise<Record<string, unknown>[]>;
  putPoints(chunks: readonly Chunk[], collection?: string): Promise<void>;
  deletePoints(ids: readonly string[]): Promise<void>;
  /** The payload and vector of a point. */
  point(id: string): Promise<{ payload: Record<string, unknown>; vector: number[] }>;
  index(collection?: string): Promise<IndexEntry[]>;
  findings(list: ListRef): Promise<Finding[]>;
  close(): Promise<void>;
}

export const COLLECTION = 'textbook-1';

export const sourceOf = ({ id, source }: Chunk): string => source ?? `a.md#s${id.slice(-1)}`;

/** The vector of a text: bytes of its hash, so that equal texts alone have equal vectors. */
export function vectorOf(text: string): number[] {
  return [...createHash('sha256').update(text).digest().subarray(0, IDENTITY.dimensions)].map((byte) => byte - 127.5);
}

export function embed({ body }: { body: unknown }): Said {
  const { input } = body as { input: string[] };
  return { body: { data: input.map((text, index) => ({ index, embedding: vectorOf(text) })) } };
}

export function chunks(count: number, from = 1): Chunk[] {
  return Array.from({ length: count }, (_, at) => ({ id: String(at + from), text: `text ${at + from}` }));
}

export async function setStage(): Promise<Stage> {
  const [postgres, qdrant, embeddings] = await Promise.all([startPostgres(), startQdrant(), startServer()]);
  const url = await postgres.createDatabase('stack');
  const table = { table: 'chunks', pointId: 'id', text: 'text', source: 'source', index: 'at', hash: 'hash' };
  const postgresConfig = postgresConfigSchema.parse({
    url,
    tables: {
      chunks: { ...table, payload: { page: 'meta.page' } },
      sessions: { table: 'sessions', id: 'id' },
      messages: { table: 'messages', id: 'id', sessionId: 'session_id', role: 'role', content: 'content' },
      trace: { table: 'citations', messageId: 'message_id', chunkIds: 'chunk_id', kind: 'value' },
    },
  });
  const config = qdrant.config({ fields: FIELDS });
  const store = createDiskStore(temporaryFolder('stack'));
  const vectors = createVectorStore({ config, embedding: IDENTITY });
  const sql: Stage['sql'] = (text) => runSql(url, text);
  return {
    qdrant,
    embeddings,
    ports: {
      vectors,
      store,
      rows: createRowStore(postgresConfig),
      embedder: createEmbedder(embeddingsConfigSchema.parse({ url: embeddings.url, identity: IDENTITY, batch: 4 })),
      questions: () => Promise.resolve([]),
      fields: config.fields,
    },
    postgres: postgresConfig,
    sql,
    async reset() {
      embeddings.heard.length = 0;
      embeddings.answer(embed);
      for (const name of [COLLECTION, 'scratch']) await recreate(qdrant, name);
      await sql(
        'DROP TABLE IF EXISTS chunks; CREATE TABLE chunks (id numeric(20) PRIMARY KEY, text text, source text, at int, hash text, page int)',
      );
    },
    async putRows(given) {
      const rows = given.map((chunk) => ({ ...chunk, source: sourceOf(chunk), hash: `h${chunk.id}` }));
      const values = `jsonb_to_recordset($1::jsonb) AS r(id numeric, text text, source text, hash text)`;
      await runSql(url, `INSERT INTO chunks SELECT id, text, source, 0, hash FROM ${values}`, [JSON.stringify(rows)]);
    },
    async putPoints(given, collection = COLLECTION) {
      const points = given.map((chunk) => {
        const payload = {
          text: chunk.text,
          meta: { source: sourceOf(chunk), index: 0, page: 7 },
          hash: `h${chunk.id}`,
          kept: 'as it was',
        };
        return `{"id":${chunk.id},"vector":${JSON.stringify(vectorOf(chunk.text))},"payload":${JSON.stringify(payload)}}`;
      });
      await qdrant.call('PUT', `/collections/${collection}/points?wait=true`, `{"points":[${points.join(',')}]}`);
    },
    async deletePoints(ids) {
      await qdrant.call('POST', `/collections/${COLLECTION}/points/delete?wait=true`, `{"points":[${ids.join(',')}]}`);
    },
    point: (id) => qdrant.call('GET', `/collections/${COLLECTION}/points/${id}`),
    async index(collection = COLLECTION) {
      const entries: IndexEntry[] = [];
      for await (const batch of vectors.readIndex(collection, 'content')) entries.push(...batch);
      return entries;
    },
    async findings({ artifact }) {
      const findings: Finding[] = [];
      for await (const batch of openLines(store, artifact, parseFindingLine)) findings.push(...batch);
      return findings;
    },
    async close() {
      await Promise.all([postgres.destroy(), qdrant.stop(), embeddings.stop()]);
    },
  };
}

async function recreate(qdrant: QdrantUnderTest, name: string): Promise<void> {
  await qdrant.call('DELETE', `/collections/${name}`).catch(() => undefined);
  await qdrant.call('PUT', `/collections/${name}`, {
    vectors: { size: IDENTITY.dimensions, distance: IDENTITY.distance },
  });
}

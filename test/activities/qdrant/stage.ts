import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { QdrantActivities } from '../../../activities/contract.ts';
import { withFailures } from '../../../activities/fail.ts';
import { openLines, writeLines } from '../../../activities/lines.ts';
import { createQdrantActivities } from '../../../activities/qdrant/index.ts';
import type { Patience } from '../../../activities/qdrant/tools.ts';
import { createVectorStore } from '../../../activities/qdrant/vector-store.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import type { ArtifactStore, ListRef } from '../../../domain/artifacts.ts';
import type { IndexEntry } from '../../../domain/index-entry.ts';
import { findingLine, parseIndexLine } from '../../../domain/lines.ts';
import type { Finding } from '../../../domain/reconcile.ts';
import type { EmbeddingIdentity } from '../../../domain/recovery-set.ts';
import type { VectorStore } from '../../../domain/vector-store.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';

export const EMBEDDING: EmbeddingIdentity = { model: 'test', dimensions: 8, distance: 'Cosine' };
/** Above 2^53, so that a number would round it. */
export const BIG = '9007199254740993';
export const UUID = '0b5ecf3a-8f5e-4f4c-9a57-0a3e0f5f1c11';

/** A server, an artifact store and the activities over them, as a worker would wire them. */
export interface Stage {
  readonly qdrant: QdrantUnderTest;
  readonly store: ArtifactStore;
  readonly directory: string;
  readonly vectors: VectorStore;
  /** Runs one activity in an activity context of its own; `beats` are its heartbeats. */
  run<R>(use: (act: QdrantActivities) => Promise<R>, environment?: MockActivityEnvironment): Promise<R>;
  activities(overrides: { config?: object; patience?: Partial<Patience> }): QdrantActivities;
  list(findings: readonly Finding[]): Promise<ListRef>;
  /** Id index of a collection as it is now. */
  index(collection: string): Promise<IndexEntry[]>;
  close(): Promise<void>;
}

/** Short enough for tests, long enough for a busy machine. */
const PATIENCE: Partial<Patience> = { lookMs: 20_000, pollMs: 20, betweenSnapshotsMs: 1_010 };

export async function setStage(options: { open?: boolean } = {}): Promise<Stage> {
  const qdrant = await startQdrant(options);
  const directory = temporaryFolder('artifacts');
  const store = createDiskStore(directory);
  let lists = 0;
  const activities: Stage['activities'] = ({ config, patience }) =>
    withFailures(
      createQdrantActivities({
        config: qdrant.config(config),
        store,
        embedding: EMBEDDING,
        patience: { ...PATIENCE, ...patience },
      }),
    );
  const act = activities({});
  const vectors = createVectorStore({ config: qdrant.config(), embedding: EMBEDDING });
  return {
    qdrant,
    store,
    directory,
    vectors,
    activities,
    run: (use, environment = activityEnvironment()) => environment.run(() => use(act)),
    list: async (findings) => {
      lists += 1;
      return writeLines(store, `lists/${lists}`, batch(findings), findingLine);
    },
    index: async (collection) => {
      const entries: IndexEntry[] = [];
      for await (const some of vectors.readIndex(collection, 'content')) entries.push(...some);
      return entries;
    },
    close: () => qdrant.stop(),
  };
}

/** An activity context whose log is quiet: failures are expected here, and looked at. */
export function activityEnvironment(info: { heartbeatDetails?: unknown } = {}): MockActivityEnvironment {
  return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
}

async function* batch<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  yield items;
}

export async function readIndexArtifact(
  stage: Stage,
  artifact: Parameters<ArtifactStore['open']>[0],
): Promise<IndexEntry[]> {
  const entries: IndexEntry[] = [];
  for await (const some of openLines(stage.store, artifact, parseIndexLine)) entries.push(...some);
  return entries;
}

/** Creates a collection of 8 dimensions with the given points; ids are JSON text. */
export async function fill(stage: Stage, collection: string, points: readonly string[]): Promise<void> {
  await stage.qdrant.call('PUT', `/collections/${collection}`, { vectors: { size: 8, distance: 'Cosine' } });
  if (points.length > 0) await put(stage, collection, points);
}

export async function put(stage: Stage, collection: string, points: readonly string[]): Promise<void> {
  await stage.qdrant.call('PUT', `/collections/${collection}/points?wait=true`, `{"points":[${points.join(',')}]}`);
}

/** JSON of a point: its vector and text follow from `seed`. */
export function point(id: string, seed: number, extra: object = {}): string {
  const vector = Array.from({ length: 8 }, (_, i) => Math.sin(seed * 31 + i * 7) + 1.5);
  const payload = { text: `text ${seed}`, source: `book.md#s${seed % 3}`, ...extra };
  return `{"id":${id.length === 36 ? `"${id}"` : id},"vector":${JSON.stringify(vector)},"payload":${JSON.stringify(payload)}}`;
}

/** A finding that is healed by a copy from `set`. */
export function copyFinding(live: IndexEntry | undefined, set: IndexEntry): Finding {
  return {
    id: set.id,
    class: live ? 'stale' : 'missing',
    remedy: 'copy',
    section: set.section ?? '',
    text: set.text,
    live: live?.body ?? '',
    set: set.body,
  };
}

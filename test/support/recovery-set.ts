import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import type { IndexEntry } from '../../domain/index-entry.ts';
import { indexLine } from '../../domain/lines.ts';
import { checksumsKeyOf, manifestKeyOf, verificationKeyOf } from '../../domain/names.ts';
import { comparePointIds } from '../../domain/point-id.ts';
import { draftSet, type RecoverySet } from '../../domain/recovery-set.ts';
import { checksumsOf } from '../../domain/stored-set.ts';
import type { Verification } from '../../domain/verification.ts';
import type { EmbeddingIdentity, GoldenAnswer } from '../../domain/recovery-set.ts';

export const IDENTITY: EmbeddingIdentity = { model: 'small', dimensions: 8, distance: 'Cosine' };

/** First 64 bits of the SHA-256, as every fingerprint is. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);
}

export function putText(store: ArtifactStore, key: string, text: string): Promise<Artifact> {
  return store.put(key, Readable.from([Buffer.from(text)]));
}

/** A set whose artifacts are in the store; its manifest is not yet. */
export async function makeSet(
  store: ArtifactStore,
  {
    id = 'set-20260101T000000Z-aaaaaa',
    index = [],
    golden = [],
  }: { id?: string; index?: readonly IndexEntry[]; golden?: readonly GoldenAnswer[] } = {},
): Promise<RecoverySet> {
  const lines = index.toSorted((a, b) => comparePointIds(a.id, b.id)).map((entry) => `${indexLine(entry)}\n`);
  const { model, dimensions, distance } = IDENTITY;
  const stack = { environment: 'test', embedding: { model, dimensions, distance } };
  return draftSet(stack, {
    id,
    takenAt: '2026-01-01T00:00:00.000Z',
    qdrant: {
      name: 'textbook-content',
      collection: 'textbook-1',
      aliases: [{ alias: 'textbook-content', collection: 'textbook-1' }],
      serverVersion: '1.18.3',
      points: index.length,
      shape: { config: { params: { vectors: { size: dimensions, distance } } }, payloadSchema: {} },
      snapshot: await putText(store, `sets/${id}/collection.snapshot`, `snapshot of ${id}`),
      index: await putText(store, `sets/${id}/index.tsv`, lines.join('')),
    },
    golden: await putText(store, `sets/${id}/golden.json`, JSON.stringify(golden)),
  });
}

/** Seals a set, whether or not it fits anything. */
export async function putManifest(store: ArtifactStore, set: RecoverySet): Promise<string> {
  const { sha256 } = await putText(store, manifestKeyOf(set.id), JSON.stringify(set));
  await putText(store, checksumsKeyOf(set.id), checksumsOf(set, sha256));
  return sha256;
}

/** The record of a verification of that manifest. */
export async function putVerification(
  store: ArtifactStore,
  setId: string,
  manifestSha256: string,
  over: Partial<Verification> = {},
): Promise<void> {
  const found = {
    version: 1,
    setId,
    manifestSha256,
    level: 'full',
    at: '2026-01-10T00:00:00Z',
    verdict: 'pass',
  } as const;
  const text = JSON.stringify({ ...found, gates: [], workflowId: 'w', ...over });
  const hash = createHash('sha256').update(text).digest('hex');
  await putText(store, verificationKeyOf(setId, over.at ?? found.at, hash), text);
}

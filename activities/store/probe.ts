import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { StoreConfig } from '../../config/store.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { StorePart } from '../../domain/set-parts.ts';
import { cleaningUp } from './cleaning-up.ts';
import { createDiskStore } from './disk.ts';
import { probeDisk } from './probe-disk.ts';
import { probeBucket } from './probe-s3.ts';
import { createS3Store } from './s3.ts';

export type Capability = StorePart['capabilities'][number];

/** Odd sizes, so that nothing falls on a border. */
const PIECES = [1, 70_045, 131_071, 65_536] as const;

/**
 * Tries out what the store enforces, with small objects of its own that are removed again where a lock allows it: does it
 * refuse to overwrite, notice damage on the way, keep what is there, and give back exactly what was put.
 * @returns the manifest's `store` part, each capability with a plain sentence of what was seen
 * @throws the store's failures, when it cannot even be written
 */
export async function probeStore(config: StoreConfig): Promise<StorePart> {
  const name = `probe-${randomUUID()}`;
  const store = config.s3 ? createS3Store(config.s3) : createDiskStore(config.directory);
  const own = config.s3 ? await probeBucket(config.s3, name) : await probeDisk(store, config.directory, name);
  return {
    kind: config.s3 ? 's3' : 'disk',
    capabilities: [...own, await roundTrip(store, `${name}-stream`), encryption(config)],
  };
}

async function roundTrip(store: ArtifactStore, key: string): Promise<Capability> {
  const pieces = PIECES.map((size) => randomBytes(size));
  const sha256 = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
  const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  const artifact = await store.put(key, each(pieces));
  const seen = await cleaningUp(
    () => readAll(store, { ...artifact, sha256, bytes }),
    () => removeWhereAllowed(store, key),
  );
  return {
    name: 'round-trip',
    enforced: seen === undefined,
    observed: seen ?? `${bytes} bytes came back as they went`,
  };
}

/** What is wrong with what came back, or `undefined`. */
async function readAll(
  store: ArtifactStore,
  artifact: Parameters<ArtifactStore['open']>[0],
): Promise<string | undefined> {
  try {
    let read = 0;
    for await (const piece of store.open(artifact)) read += piece.length;
    return read === artifact.bytes ? undefined : `${read} of ${artifact.bytes} bytes came back`;
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'SET_TAMPERED') return error.message;
    throw error;
  }
}

async function removeWhereAllowed(store: ArtifactStore, key: string): Promise<void> {
  await store.remove(key).catch((error: unknown) => {
    if (!(error instanceof RecoveryError && error.code === 'STORE_LOCKED')) throw error;
  });
}

function encryption({ encryption: own }: StoreConfig): Capability {
  const count = own?.recipients.length ?? 0;
  const observed =
    count === 0
      ? 'artifacts lie in clear'
      : `artifacts are encrypted with age for ${count} ${count === 1 ? 'recipient' : 'recipients'}`;
  return { name: 'encryption', enforced: count > 0, observed };
}

async function* each(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

import type { StoreConfig } from '../../config/store.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { parseIndexLine } from '../../domain/lines.ts';
import { openLines } from '../lines.ts';
import { createDiskStore } from './disk.ts';
import { createEncryptedStore } from './encrypted.ts';
import { createS3Store } from './s3.ts';

/** The id index of a set, for who may read the store and nothing else. @throws SET_TAMPERED, STORE_* */
export function openIndex(store: ArtifactStore, index: Artifact): Batches<IndexEntry> {
  return openLines(store, index, parseIndexLine);
}

/**
 * The artifact store that the settings describe.
 * @throws INVALID_CONFIGURATION for recipients that are none
 */
export function createArtifactStore({ directory, s3, encryption }: StoreConfig): ArtifactStore {
  return createEncryptedStore(s3 ? createS3Store(s3) : createDiskStore(directory), encryption);
}

import type { StoreConfig } from '../../config/store.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { createDiskStore } from './disk.ts';
import { createEncryptedStore } from './encrypted.ts';
import { createS3Store } from './s3.ts';

/**
 * The artifact store that the settings describe.
 * @throws INVALID_CONFIGURATION for recipients that are none
 */
export function createArtifactStore({ directory, s3, encryption }: StoreConfig): ArtifactStore {
  return createEncryptedStore(s3 ? createS3Store(s3) : createDiskStore(directory), encryption);
}

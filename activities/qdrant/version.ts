import { QdrantFailure } from './failure.ts';
import type { QdrantConnection } from './client.ts';

const FLOOR = [1, 17] as const;

export async function serverVersion(connection: QdrantConnection): Promise<string> {
  return (await connection.call('ask for its version', (client) => client.versionInfo())).version;
}

const known = new WeakSet<QdrantConnection>();

/**
 * Older servers ignore `update_mode`: an insert would then overwrite newer data without a word.
 * @throws QDRANT_REFUSED
 */
export async function mustKnowUpdateModes(connection: QdrantConnection): Promise<void> {
  if (known.has(connection)) return;
  const version = await serverVersion(connection);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) {
    known.add(connection);
    return;
  }
  throw new QdrantFailure(
    'QDRANT_REFUSED',
    `Qdrant is ${version}; before ${FLOOR.join('.')} it cannot insert a point without overwriting a newer one`,
  );
}

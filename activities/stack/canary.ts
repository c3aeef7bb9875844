import { createHash, randomUUID } from 'node:crypto';
import type { QdrantConfig } from '../../config/schema.ts';
import { CANARY_SECTION, canaryGates, canaryText } from '../../domain/canary.ts';
import { type PointId, uuidOfHash } from '../../domain/point-id.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Canary } from '../../domain/set-parts.ts';
import type { Gate } from '../../domain/verdict.ts';
import { fingerprint } from '../fingerprint.ts';
import { putBytes, readWhole } from '../lines.ts';
import type { Work } from '../progress.ts';
import { fieldAt, payloadOf } from './payload.ts';
import type { StackPorts } from './ports.ts';

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'embedder' | 'fields'>;

/**
 * Plants the set's own document among the vectors and, as a file, in the set. There is one canary in the collection,
 * always under the same id: the one of the set before is replaced.
 */
export async function plantCanary(
  { vectors, store, embedder, fields }: Ports,
  { collection, environment, setId, folder, ids }: PlantCanary,
  { signal, report }: Work,
): Promise<Omit<Canary, 'inRows'>> {
  const [id, text] = [canaryIdOf(environment, ids), canaryText(environment, setId)];
  report({ phase: 'plant the canary', done: 0, total: 1 });
  const [vector = []] = await embedder.embedDocuments([text], signal);
  const [before] = await vectors.retrieve(collection, [id], signal);
  const payload = payloadOf(
    before?.payload ?? {},
    { text, source: CANARY_SECTION, index: 0, hash: sha256(text) },
    fields,
  );
  await vectors.writePoints(
    collection,
    [{ id, vector, payload, text: fingerprint(text), live: before?.entry.body ?? '' }],
    signal,
  );
  const key = `${folder}/canary-${randomUUID().slice(0, 8)}.txt`;
  return { pointId: id, text, artifact: await putBytes(store, key, Buffer.from(`${text}\n`)) };
}

interface PlantCanary {
  readonly collection: string;
  readonly environment: string;
  readonly setId: string;
  readonly folder: string;
  readonly ids: QdrantConfig['idStrategy'];
}

/** Looks for the set's document among restored vectors and outside the stores. The rows are looked at by whoever restored them. */
export async function checkCanary(
  { vectors, store, fields }: Ports,
  { set, scratch }: { set: RecoverySet; scratch: string },
  { signal }: Work,
): Promise<Gate[]> {
  const { canary } = set;
  if (!canary) return canaryGates(undefined, {});
  const [point] = await vectors.retrieve(scratch, [canary.pointId], signal);
  const outside = Buffer.from(await readWhole(store, canary.artifact))
    .toString('utf8')
    .trimEnd();
  return canaryGates(canary.text, { vectors: point && fieldAt(point.payload, fields.text), outside });
}

/** The same for every set of an environment, and nobody else's: derived from a hash. */
function canaryIdOf(environment: string, ids: QdrantConfig['idStrategy']): PointId {
  const hex = sha256(`recovery-canary/${environment}`);
  // Integers stay within what JSON numbers can hold.
  return ids === 'int' ? BigInt(`0x${hex.slice(0, 13)}`).toString() : uuidOfHash(hex);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

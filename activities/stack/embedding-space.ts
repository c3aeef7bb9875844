import type { Artifact } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import { readWhole } from '../lines.ts';
import type { Work } from '../progress.ts';
import { fieldAt } from './payload.ts';
import type { StackPorts } from './ports.ts';

/** Points that are embedded again at most. */
const LOOKED_AT = 32;

type Ports = Pick<StackPorts, 'store' | 'embedder' | 'fields'>;
interface Seen {
  readonly gate: Gate;
  readonly leastCosine: number | null;
  readonly looked: number;
}
interface Kept {
  readonly text: string;
  readonly vector: readonly number[];
}

/**
 * Embeds the texts of some points of the set again, and compares with their vectors. A model that is retired, of another size, or
 * another one under the same name is a red gate: then the set's vectors are worth nothing with new ones beside them.
 * @throws EMBEDDINGS_UNREACHABLE, EMBEDDINGS_REFUSED (where it is not the model that is refused), SET_TAMPERED
 */
export async function checkEmbeddingSpace(
  { store, embedder, fields }: Ports,
  { floor }: { floor: number },
  { set }: { set: RecoverySet },
  { report, signal }: Work,
): Promise<Seen> {
  const seen = (verdict: Gate['verdict'], observed: string, leastCosine: number | null, looked: number): Seen => {
    const expected = `stored vectors and the same texts embedded again at least ${floor} alike (cosine)`;
    return { gate: { name: 'embedding space', verdict, expected, observed }, leastCosine, looked };
  };
  const { sample } = set.qdrant;
  if (!sample) return seen('unproven', 'the set keeps no whole points to compare with', null, 0);
  const kept = (await readSample(store, sample, set.embedding.vectorName, fields.text)).slice(0, LOOKED_AT);
  if (kept.length === 0) return seen('unproven', 'no kept point has a text and a vector', null, 0);
  report({ phase: 'embed kept texts again', done: 0, total: kept.length });
  const again = await embedAgain(embedder, kept, signal);
  if (typeof again === 'string') return seen('fail', again, null, kept.length);
  const odd = kept.findIndex(({ vector }, at) => vector.length !== again[at]?.length);
  if (odd !== -1) {
    const sizes = `${again[odd]?.length ?? 0} dimensions; stored are ${kept[odd]?.vector.length ?? 0}`;
    return seen('fail', `the endpoint makes vectors of ${sizes}`, null, kept.length);
  }
  const least = Math.min(...kept.map(({ vector }, at) => cosine(vector, again[at] ?? [])));
  const observed = `${least.toFixed(4)} at the least, over ${kept.length} texts`;
  return seen(least >= floor ? 'pass' : 'fail', observed, least, kept.length);
}

/** The vectors, or why there is no such model any more. */
async function embedAgain(
  embedder: Ports['embedder'],
  kept: readonly Kept[],
  signal: AbortSignal,
): Promise<number[][] | string> {
  try {
    return await embedder.embedDocuments(
      kept.map(({ text }) => text),
      signal,
    );
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'EMBEDDINGS_REFUSED' && isOfTheModel(error.message))
      return error.message;
    throw error;
  }
}

/** That a model is not there, in the words of endpoints; a text that is too long for it is another matter. */
const GONE =
  /model\S*.{0,80}(?:not found|not exist|unknown|invalid|deprecat|retired|decommission|not supported|unsupported|no longer)|(?:unknown|invalid|unsupported|no such) model|model_not_found/i;

/**
 * Whether it is the model that is refused, and not our key or the form of a request. The message begins with the endpoint and the
 * model's name; what counts stands behind: a status and the endpoint's words.
 */
function isOfTheModel(message: string): boolean {
  const said = /^embeddings at \S+, model .*?: (.*)$/s.exec(message)?.[1] ?? message;
  if (/^(?:401|403)\b/.test(said)) return false;
  return /^(?:404|410)\b/.test(said) || GONE.test(said) || /^vectors of [0-9]+ dimensions/.test(said);
}

/** Texts and vectors of the kept points, one JSON object a line as Qdrant wrote it. */
async function readSample(
  store: Ports['store'],
  sample: Artifact,
  vectorName: string | undefined,
  textField: string,
): Promise<Kept[]> {
  const lines = (await readWhole(store, sample)).toString('utf8').split('\n');
  return lines.flatMap((line): Kept[] => {
    if (line === '') return [];
    const point = JSON.parse(line) as { payload?: unknown; vector?: unknown };
    const text = fieldAt(point.payload, textField);
    const vector = vectorName === undefined ? point.vector : fieldAt(point.vector, vectorName);
    const usable = typeof text === 'string' && text.trim() !== '' && isVector(vector);
    return usable ? [{ text, vector }] : [];
  });
}

/** Not all zeros: nothing is like such a one, whatever made it. */
function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isFinite) && value.some((number) => number !== 0);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, lengthA, lengthB] = [0, 0, 0];
  for (const [at, x] of a.entries()) {
    const y = b[at] ?? 0;
    dot += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  const length = Math.sqrt(lengthA * lengthB);
  return length === 0 ? 0 : dot / length;
}

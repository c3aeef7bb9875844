import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { parsePointId, pointIdJson, type PointId } from '../../domain/point-id.ts';
import type { Depth } from '../../domain/vector-store.ts';
import { pathOf } from './address.ts';
import type { QdrantConnection } from './client.ts';
import { parseExact } from './exact-json.ts';
import { property, QdrantFailure } from './failure.ts';
import { entryOf, type Mapping, textEntryOf } from './fingerprint.ts';
import { inOrder, regroup } from './in-order.ts';
import { readPoints, type Selection } from './points.ts';

/** Larger pages are no faster, and what is alive at once should fit into the memory that the collector sweeps often. */
const IDS_A_PAGE = 4_000;
/** About 2.5 MB of JSON at 768 dimensions. */
const POINTS_A_READ = 256;

/**
 * Reads a collection in id order. Ids come from one scroll (600,000 a second, and the only thing that must be in
 * order); contents are read by id, several reads at once, so that neither a distant server nor skewed ids slow it down.
 */
export async function* readIndex(
  connection: QdrantConnection,
  mapping: Mapping,
  collection: string,
  depth: Depth,
  signal?: AbortSignal,
): Batches<IndexEntry> {
  const ids = scrollIds(connection, collection, signal);
  if (depth === 'ids') {
    for await (const page of ids) yield page.map((id) => ({ id, text: '', body: '', vector: '' }));
    return;
  }
  const selection: Selection = { payload: topLevelFields(mapping), vector: depth === 'content' };
  const entry = depth === 'content' ? entryOf : textEntryOf;
  yield* inOrder(regroup(ids, POINTS_A_READ), connection.config.parallel, async (some) => {
    const found = await readPoints(connection, collection, some, selection, signal);
    return some.flatMap((id) => {
      const point = found.get(id);
      return point ? [entry(point, mapping)] : [];
    });
  });
}

/** Every id, in order. The next page is asked for before this one is used. */
async function* scrollIds(connection: QdrantConnection, collection: string, signal?: AbortSignal): Batches<PointId> {
  let page = await scrollPage(connection, collection, undefined, signal);
  for (;;) {
    const following =
      page.next === undefined ? undefined : scrollPage(connection, collection, page.next, signal, page.limit);
    following?.catch(() => undefined);
    const odd = page.ids.find((id) => !isExpected(id, connection.config.idStrategy));
    if (odd !== undefined) throw unexpectedId(collection, odd, connection.config.idStrategy);
    yield page.ids;
    if (following === undefined) return;
    page = await following;
  }
}

async function scrollPage(
  connection: QdrantConnection,
  collection: string,
  offset: PointId | undefined,
  signal?: AbortSignal,
  limit = IDS_A_PAGE,
): Promise<Page> {
  const from = offset === undefined ? '' : `"offset":${pointIdJson(offset)},`;
  try {
    const answer = await connection.exchange({
      what: `list the ids of ${collection}`,
      method: 'POST',
      path: pathOf(collection, '/points/scroll'),
      body: `{${from}"limit":${limit},"with_payload":false,"with_vector":false}`,
      signal,
    });
    return { ...idsOf(answer.toString('utf8')), limit };
  } catch (error) {
    // Strict mode may allow less; it says how much.
    const allowed = error instanceof QdrantFailure ? error.allowed : undefined;
    if (allowed === undefined || allowed < 1 || allowed >= limit) throw error;
    return scrollPage(connection, collection, offset, signal, allowed);
  }
}

interface Page {
  readonly ids: PointId[];
  readonly next: PointId | undefined;
  /** How many ids a page may have here. */
  readonly limit: number;
}

/**
 * What a page says. Without payloads and vectors there is nothing to keep as bytes, and to read the page as one value takes
 * a third of the time that looking at every point's bytes does.
 */
function idsOf(answer: string): Pick<Page, 'ids' | 'next'> {
  const quick = pageIn(JSON.parse(answer));
  // An integer beyond 2^53 was rounded just now: only then is the slower reading needed, which keeps it.
  const { ids, next } = quick.ids.concat(quick.next).some(isRounded) ? pageIn(parseExact(answer)) : quick;
  return { ids: ids.map(idFrom), next: next === undefined ? undefined : idFrom(next) };
}

function pageIn(answer: unknown): { ids: unknown[]; next: unknown } {
  const result = property(answer, 'result');
  const points = property(result, 'points');
  if (!Array.isArray(points)) throw new RecoveryError('QDRANT_REFUSED', 'Qdrant answered with no list of points');
  const ids = points.map((point: unknown) => property(point, 'id'));
  return { ids, next: property(result, 'next_page_offset') ?? undefined };
}

function isRounded(id: unknown): boolean {
  return typeof id === 'number' && !Number.isSafeInteger(id);
}

function idFrom(wire: unknown): PointId {
  const id = parsePointId(wire);
  if (id !== undefined) return id;
  throw new RecoveryError(
    'UNKNOWN_ID_TYPE',
    `Qdrant: a point has the id ${String(wire).slice(0, 80)}, neither an unsigned integer nor a UUID`,
  );
}

/** Only what the fingerprints are made of: payloads may hold much else. */
function topLevelFields({ fields }: Mapping): string[] {
  const paths = Object.values(fields).filter((path) => path !== undefined);
  return [...new Set(paths.flatMap((path) => [path, path.split('.')[0] ?? path]))];
}

function isExpected(id: PointId, strategy: 'any' | 'uuid' | 'int'): boolean {
  return strategy === 'any' || (strategy === 'uuid') === id.includes('-');
}

function unexpectedId(collection: string, id: PointId, strategy: string): RecoveryError {
  return new RecoveryError(
    'UNKNOWN_ID_TYPE',
    `Qdrant collection ${collection} has the point id ${id}, but idStrategy is ${strategy}`,
  );
}

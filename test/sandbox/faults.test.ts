import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { breakStack, endOutage } from '../../sandbox/faults/break.ts';
import { faults, PARTIAL_LOSS } from '../../sandbox/faults/index.ts';
import { shuffled } from '../../sandbox/faults/sections.ts';
import { seed } from '../../sandbox/seed.ts';
import { withStores } from '../../sandbox/seed-context.ts';
import { prepareStores } from '../../sandbox/seed-stores.ts';
import type { ChunkRecord } from '../../sandbox/app/chunk-record.ts';
import { readTextbook } from '../../sandbox/seed-textbook.ts';
import { runSql } from '../support/postgres.ts';
import { type Parts, startParts } from '../support/sandbox.ts';

type Point = { id: string; vector: number[]; payload: { text: string } };

const COLLECTION = '/collections/textbook-content';

let parts: Parts;
let textbook: ChunkRecord[];
let healthy: Map<string, Point>;

async function readPoints(): Promise<Map<string, Point>> {
  const { points } = await parts.front.result<{ points: Point[] }>('POST', `${COLLECTION}/points/scroll`, {
    limit: 10_000,
    with_payload: true,
    with_vector: true,
  });
  return new Map(points.map((point) => [point.id, point]));
}

const sql = (text: string): ReturnType<typeof runSql> => runSql(parts.postgres.url(), text);
const sectionsOf = (ids: readonly string[]): string[] =>
  [...new Set(textbook.filter(({ id }) => ids.includes(id)).map(({ source }) => source))].sort();
const chunksOf = (sections: readonly string[]): string[] =>
  textbook.flatMap(({ id, source }) => (sections.includes(source) ? [id] : [])).sort();

beforeAll(async () => {
  parts = await startParts();
  textbook = await readTextbook();
  await seed({ dir: parts.dir, env: parts.env });
  healthy = await readPoints();
  expect(healthy.size).toBe(textbook.length);
});

afterAll(() => parts.stop());

/** Puts every point and index back as it was. */
async function makeWhole(): Promise<void> {
  const added = [...(await readPoints()).keys()].filter((id) => !healthy.has(id));
  await parts.front.result('POST', `${COLLECTION}/points/delete?wait=true`, { points: added });
  await parts.front.result('PUT', `${COLLECTION}/points?wait=true`, { points: [...healthy.values()] });
  await withStores(parts.env, prepareStores);
}

/** Injects and tells which points are gone, new, or have another vector or text. */
async function damageBy(
  name: string,
  seedNumber?: number,
): Promise<Record<'gone' | 'added' | 'vector' | 'text', string[]> & { said: string; after: Map<string, Point> }> {
  const said = await breakStack(parts, 'qdrant', name, seedNumber);
  const after = await readPoints();
  const changed = (what: (point: Point) => unknown): string[] =>
    [...healthy.values()].flatMap((point) => {
      const now = after.get(point.id);
      return now && JSON.stringify(what(now)) !== JSON.stringify(what(point)) ? [point.id] : [];
    });
  return {
    said,
    after,
    gone: [...healthy.keys()].filter((id) => !after.has(id)).sort(),
    added: [...after.keys()].filter((id) => !healthy.has(id)).sort(),
    vector: changed(({ vector }) => vector),
    text: changed(({ payload }) => payload.text),
  };
}

describe('damage to Qdrant', () => {
  afterEach(makeWhole);

  test('delete-sections deletes every point of three sections, and says which', async () => {
    const { gone, added, vector, text, said } = await damageBy('delete-sections');
    const sections = sectionsOf(gone);
    expect(sections).toHaveLength(3);
    expect(gone).toEqual(chunksOf(sections));
    expect([added, vector, text]).toEqual([[], [], []]);
    expect(said).toMatch(new RegExp(`^Deleted all ${gone.length} points of .* from Qdrant\\.$`));
    for (const section of sections) expect(said).toContain(section);
  });

  test('corrupt-vectors leaves one zero vector, and others that point elsewhere, in two whole sections', async () => {
    const { gone, added, vector, text, after } = await damageBy('corrupt-vectors');
    expect(sectionsOf(vector)).toHaveLength(2);
    expect(vector.toSorted()).toEqual(chunksOf(sectionsOf(vector)));
    expect([gone, added, text]).toEqual([[], [], []]);
    const cosines = vector.map((id) => {
      const [now, before] = [after.get(id)?.vector ?? [], healthy.get(id)?.vector ?? []];
      return now.reduce((sum, value, at) => sum + value * (before[at] ?? 0), 0);
    });
    expect(vector.filter((id) => after.get(id)?.vector.every((value) => value === 0))).toHaveLength(1);
    expect(cosines.some((cosine) => cosine < -0.99)).toBe(true);
    expect(cosines.some((cosine) => cosine !== 0 && Math.abs(cosine) < 0.5)).toBe(true);
    expect(cosines.every((cosine) => cosine < 0.5)).toBe(true);
  });

  test('edit-payload changes what some points say, behind the back of their content hash', async () => {
    const { gone, added, vector, text, after, said } = await damageBy('edit-payload');
    expect(text.length).toBeGreaterThanOrEqual(2);
    expect(sectionsOf(text)).toHaveLength(2);
    expect([gone, added, vector]).toEqual([[], [], []]);
    expect(said).toContain(`${text.length} points`);
    for (const id of text) {
      expect(after.get(id)?.payload).toEqual({ ...healthy.get(id)?.payload, text: expect.any(String) });
    }
  });

  test('orphans are points with good vectors and no row', async () => {
    const { gone, added, vector, text, after } = await damageBy('orphans');
    expect(added.length).toBeGreaterThanOrEqual(2);
    expect([gone, vector, text]).toEqual([[], [], []]);
    expect(await sql(`SELECT id FROM chunks WHERE id = ANY('{${added.join(',')}}')`)).toEqual([]);
    for (const id of added) expect(Math.hypot(...(after.get(id)?.vector ?? []))).toBeCloseTo(1, 3);
  });

  test('drop-index drops the index on source and no other', async () => {
    const said = await breakStack(parts, 'qdrant', 'drop-index');
    const { payload_schema: left } = await parts.front.result<{ payload_schema: object }>('GET', COLLECTION);
    expect(Object.keys(left).sort()).toEqual(['chunk_index', 'content_hash']);
    expect(said).toBe('Dropped the payload index on source in Qdrant.');
  });

  test('the faults of a drill strike different sections, and leave Postgres alone', async () => {
    const rows = await sql('SELECT * FROM chunks ORDER BY id');
    const said: string[] = [];
    for (const name of PARTIAL_LOSS) said.push(await breakStack(parts, 'qdrant', name));
    const named = said.flatMap((sentence) => sentence.match(/[\w-]+\.md#[\w-]+/g) ?? []);
    expect(named).toHaveLength(7);
    expect(new Set(named).size).toBe(7);
    expect(await sql('SELECT * FROM chunks ORDER BY id')).toEqual(rows);
  });

  test('one seed strikes the same sections each time, another seed others', async () => {
    const strike = async (seedNumber: number): Promise<string> => {
      await seed({ dir: parts.dir, env: parts.env });
      return breakStack(parts, 'qdrant', 'delete-sections', seedNumber);
    };
    const [first, again, other] = [await strike(7), await strike(7), await strike(8)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  test.each(['delete-sections', 'drop-index', 'orphans'])('%s fails when nothing is left to break', async (name) => {
    await breakStack(parts, 'qdrant', name);
    await expect(breakStack(parts, 'qdrant', name)).rejects.toThrow('nothing was broken');
  });
});

describe('outages', () => {
  afterEach(async () => void (await parts.front.fault('DELETE')));

  const reads = (): Promise<number> =>
    parts.front.call('GET', COLLECTION).then(
      ({ status }) => status,
      () => 0,
    );

  test('kill ends the server at once, and what was acknowledged is there after a restart', async () => {
    expect(await breakStack(parts, 'qdrant', 'kill')).toBe('Killed the Qdrant server with SIGKILL.');
    expect(await reads()).toBe(0);
    await endOutage(parts, 'qdrant', 'kill');
    expect(await readPoints()).toEqual(healthy);
  });

  test('unavailable answers 503 until it is ended, while health stays green', async () => {
    await breakStack(parts, 'qdrant', 'unavailable');
    expect(await reads()).toBe(503);
    expect((await parts.front.call('GET', '/readyz')).status).toBe(200);
    await endOutage(parts, 'qdrant', 'unavailable');
    expect(await reads()).toBe(200);
  });

  test('hang accepts requests and does not answer', async () => {
    await breakStack(parts, 'qdrant', 'hang');
    const headers = { 'api-key': parts.front.place.apiKey };
    const impatient = fetch(parts.front.place.url + COLLECTION, { headers, signal: AbortSignal.timeout(300) });
    await expect(impatient).rejects.toThrow(/timeout/);
    await endOutage(parts, 'qdrant', 'hang');
    expect(await reads()).toBe(200);
  });

  test('Postgres becomes unreachable, and is back with its rows', async () => {
    await breakStack(parts, 'postgres', 'unreachable');
    await expect(sql('SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await endOutage(parts, 'postgres', 'unreachable');
    expect(await sql('SELECT count(*)::integer AS n FROM chunks')).toEqual([{ n: textbook.length }]);
  });

  test('switches need the sandbox’s own Qdrant, and damage cannot be switched off', async () => {
    const real = { ...parts, urls: { qdrantFaults: null } };
    await expect(breakStack(real, 'qdrant', 'hang')).rejects.toThrow('a real one has no fault switches');
    await expect(endOutage(parts, 'qdrant', 'orphans')).rejects.toThrow('only a recovery mends it');
  });
});

test('an unknown fault is refused with the names of those there are', () => {
  expect(() => breakStack(parts, 'qdrant', 'set-on-fire')).toThrow(/no fault qdrant set-on-fire.*qdrant kill/);
  expect(PARTIAL_LOSS.filter((name) => !(name in faults.qdrant))).toEqual([]);
});

test('shuffling keeps every item and moves them by the seed alone', () => {
  const items = Array.from({ length: 50 }, (_, at) => at);
  expect(shuffled(items, 3)).toEqual(shuffled(items, 3));
  expect(shuffled(items, 3)).not.toEqual(shuffled(items, 4));
  expect(shuffled(items, 3).toSorted((a, b) => a - b)).toEqual(items);
});

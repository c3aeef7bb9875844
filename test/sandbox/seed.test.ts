import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { goldenQuestionSchema } from '../../domain/recovery-set.ts';
import { seed } from '../../sandbox/seed.ts';
import type { SeedProgress } from '../../sandbox/seed-context.ts';
import { syntheticRecord, syntheticVector } from '../../sandbox/seed-synthetic.ts';
import { readTextbook } from '../../sandbox/seed-textbook.ts';
import { runSql } from '../support/postgres.ts';
import { type Parts, type Running, startParts } from '../support/sandbox.ts';

const SYNTHETIC = 120;

let parts: Parts;
let app: Running;
let progress: SeedProgress[];

const sql = (text: string): ReturnType<typeof runSql> => runSql(parts.postgres.url(), text);
const rowsIn = async (table: string): Promise<number> =>
  Number((await sql(`SELECT count(*) AS n FROM ${table}`))[0]?.['n']);
const points = async (): Promise<number> =>
  (await parts.front.result<{ count: number }>('POST', '/collections/textbook-content/points/count', { exact: true }))
    .count;
const context = (more: Record<string, string> = {}): { dir: string; env: Record<string, string> } => ({
  dir: parts.dir,
  env: { ...parts.env, ...more },
});

beforeAll(async () => {
  parts = await startParts();
  app = await parts.startApp();
  progress = [];
  await seed(context({ APP_URL: app.url }), { points: SYNTHETIC, onProgress: (step) => progress.push(step) });
});

afterAll(() => parts.stop());

describe('a seeded stack', () => {
  test('holds every chunk of the textbook and every synthetic one in both stores, under the same ids', async () => {
    const expected = [...(await readTextbook()), syntheticRecord(0), syntheticRecord(SYNTHETIC - 1)];
    expect(expected.length).toBeGreaterThan(300);
    expect(await rowsIn('chunks')).toBe(expected.length - 2 + SYNTHETIC);
    expect(await points()).toBe(expected.length - 2 + SYNTHETIC);
    const found = await parts.front.result<{ id: string; payload: object }[]>(
      'POST',
      '/collections/textbook-content/points',
      { ids: expected.map(({ id }) => id), with_payload: true },
    );
    const payloads = new Map(found.map(({ id, payload }) => [id, payload]));
    const rows = new Map((await sql('SELECT * FROM chunks')).map(({ id, created_at: _, ...row }) => [id, row]));
    for (const { id, text, source, heading, chunkIndex, contentHash } of expected) {
      const both = { text, source, heading, chunk_index: chunkIndex, content_hash: contentHash };
      expect(payloads.get(id)).toEqual(both);
      expect(rows.get(id)).toEqual(both);
    }
  });

  test('has its collection behind an alias, with its indexes and the name of the environment in both stores', async () => {
    const { aliases } = await parts.front.result<{ aliases: object[] }>('GET', '/aliases');
    expect(aliases).toEqual([{ alias_name: 'textbook-content', collection_name: 'textbook-content-v1' }]);
    const collection = await parts.front.result<object>('GET', '/collections/textbook-content-v1');
    expect(collection).toMatchObject({
      config: { params: { vectors: { size: 768, distance: 'Cosine' } }, metadata: { dr_environment: 'test' } },
      payload_schema: {
        source: { data_type: 'keyword' },
        chunk_index: { data_type: 'integer' },
        content_hash: { data_type: 'keyword' },
      },
    });
    expect(await sql('SELECT name FROM dr_environment')).toEqual([{ name: 'test' }]);
  });

  test('has conversations whose answers cite chunks', async () => {
    expect(await rowsIn('sessions')).toBe(3);
    expect(await rowsIn('messages')).toBe(12);
    expect(await rowsIn('citations JOIN chunks ON chunks.id = chunk_id')).toBe(30);
  });

  test('has golden questions beside it in the product’s format', async () => {
    const golden = z.array(goldenQuestionSchema).parse(JSON.parse(await readFile(`${parts.dir}/golden.json`, 'utf8')));
    expect(golden.length).toBeGreaterThan(40);
    const sources = new Set((await readTextbook()).map(({ source }) => source));
    expect(golden.flatMap((question) => question.sources).filter((source) => !sources.has(source))).toEqual([]);
  });

  test('told of every phase, to its end', () => {
    const last = new Map(progress.map((step) => [step.phase, step]));
    expect([...last.keys()]).toEqual(['stores', 'textbook', 'synthetic', 'sessions']);
    expect([...last.values()].every(({ done, total }) => done === total)).toBe(true);
  });
});

describe('seeding again', () => {
  test('writes nothing when nothing is missing', async () => {
    const before = [await rowsIn('chunks'), await rowsIn('messages'), await points()];
    const { written, sessions } = await seed(context({ APP_URL: app.url }), { points: SYNTHETIC });
    expect({ written, sessions }).toEqual({ written: 0, sessions: 0 });
    expect([await rowsIn('chunks'), await rowsIn('messages'), await points()]).toEqual(before);
  });

  test('completes what was broken off, in either store', async () => {
    const [one, two, three] = await readTextbook();
    const ids = [one?.id, two?.id];
    await parts.front.result('POST', '/collections/textbook-content/points/delete?wait=true', {
      points: ids as string[],
    });
    await sql(`DELETE FROM chunks WHERE id = '${three?.id}'`);
    const before = [await rowsIn('chunks'), await points()];
    expect((await seed(context())).written).toBe(3);
    expect([await rowsIn('chunks'), await points()]).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 2]);
  });

  test('refuses a stack that carries another environment’s name, and changes nothing', async () => {
    await expect(seed(context({ DR_ENVIRONMENT: 'production' }))).rejects.toThrow(
      'belongs to the environment test and is not seeded as production',
    );
    expect(await sql('SELECT name FROM dr_environment')).toEqual([{ name: 'test' }]);
  });

  test('names the variable that is missing', async () => {
    const { DATABASE_URL: _, ...env } = parts.env;
    await expect(seed({ dir: parts.dir, env })).rejects.toThrow('DATABASE_URL');
  });
});

test('synthetic vectors are all different directions', () => {
  const unit = (n: number): number[] => {
    const vector = syntheticVector(n);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  const vectors = Array.from({ length: 40 }, (_, n) => unit(n));
  for (const [i, a] of vectors.entries()) {
    for (const b of vectors.slice(i + 1)) {
      expect(Math.abs(a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0))).toBeLessThan(0.25);
    }
  }
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runSql } from '../../../support/postgres.ts';
import { must, type Pair, setStage, type Stage } from './stage.ts';

const RULES = `
  ALTER TABLE parent ADD FOREIGN KEY (mother) REFERENCES parent;
  ALTER TABLE parent ADD UNIQUE (name);
  ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent; ALTER TABLE child ADD CHECK (size > 0);
  ALTER TABLE child ALTER note SET NOT NULL; ALTER TABLE child ADD UNIQUE NULLS NOT DISTINCT (parent, size)`;
const SCHEMA = `
  CREATE TABLE parent (id int PRIMARY KEY, name text, mother int);
  CREATE TABLE child (id int, part text, parent int, size int, note text, PRIMARY KEY (id, part))`;
const TABLES = ['child', 'parent'];

interface Rows {
  readonly parent: readonly { id: number; name: string | null; mother: number | null }[];
  readonly child: readonly {
    id: number;
    part: string;
    parent: number | null;
    size: number | null;
    note: string | null;
  }[];
}

const id = fc.integer({ min: 1, max: 6 });
const rows: fc.Arbitrary<Rows> = fc.record({
  parent: fc.uniqueArray(
    fc.record({
      id,
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', null),
      mother: fc.option(id, { nil: null, freq: 2 }),
    }),
    { selector: (row) => row.id, maxLength: 6 },
  ),
  child: fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 3 }),
      part: fc.constantFrom('x', 'a\tb', ''),
      parent: fc.option(id, { nil: null }),
      size: fc.constantFrom(-1, 1, 2, 3, null),
      note: fc.constantFrom('n', 'm', null),
    }),
    { selector: (row) => `${row.id} ${row.part}`, maxLength: 6 },
  ),
});

/** A row stands in another's way until it goes with its parent. */
const CHAIN = [
  { id: 1, name: 'a', mother: 2 },
  { id: 2, name: 'c', mother: 6 },
  { id: 6, name: 'a', mother: null },
];

let stage: Stage;
let pair: Pair;
beforeAll(async () => {
  stage = await setStage();
  pair = await stage.pair(SCHEMA, '', RULES);
});
afterAll(() => stage.postgres.destroy());

const INSERT = (table: string): string =>
  `INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`;

/** The source takes everything; of the target's rows those that it takes, one after the other. */
async function fill({ fromUrl, toUrl }: Pair, source: Rows, target: Rows): Promise<void> {
  for (const url of [fromUrl, toUrl]) await runSql(url, 'TRUNCATE parent, child');
  for (const table of ['parent', 'child'] as const) {
    await runSql(fromUrl, INSERT(table), [JSON.stringify(source[table])]);
    for (const row of target[table]) await runSql(toUrl, INSERT(table), [JSON.stringify([row])]).catch(() => undefined);
  }
}

interface State {
  readonly parent: Record<string, string>;
  readonly child: Record<string, string>;
  /** Which version of which row it is. */
  readonly versions: unknown;
}

async function stateOf(url: string): Promise<State> {
  const read = async (table: string, key: string): Promise<Record<string, string>> => {
    const found = await runSql(url, `SELECT ${key} AS key, to_json(t)::text AS row FROM ${table} t`);
    return Object.fromEntries(found.map((row) => [String(row['key']), String(row['row'])]));
  };
  const versions = await runSql(
    url,
    'SELECT xmin::text, ctid::text FROM parent UNION ALL SELECT xmin::text, ctid::text FROM child ORDER BY 1, 2',
  );
  return { parent: await read('parent', 'id::text'), child: await read('child', 'ROW(id, part)::text'), versions };
}

test('what can be carried is there afterwards, beside all that was there, and a second time changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.subarray(TABLES), async (source, target, updates) => {
      await fill(pair, source, target);
      const [from, before] = [await stateOf(pair.fromUrl), await stateOf(pair.toUrl)];
      const folder = `runs/${randomUUID()}`;
      const carried = await pair.carry(TABLES, { updates, folder });
      const after = await stateOf(pair.toUrl);
      for (const told of carried) {
        const table = told.table as 'parent' | 'child';
        const listed = async (list: typeof told.keys): Promise<string[][]> =>
          (await stage.lines(list)).map((line) => line.split('\t').map((field) => field.replaceAll('\\t', '\t')));
        const keys = (await listed(told.keys)).map(([key]) => String(key));
        const left = (await listed(told.leftKeys)).map(([key]) => String(key));
        // Nothing but rows of the source came, each as it is there.
        const came = Object.keys(after[table]).filter((key) => !(key in before[table]));
        expect(came.toSorted()).toEqual(keys.toSorted());
        for (const key of came) expect(after[table][key]).toBe(from[table][key]);
        // Nothing went, and what was there stayed or became the source's.
        let updated = 0;
        for (const [key, row] of Object.entries(before[table])) {
          if (after[table][key] === row) continue;
          expect([updates.includes(table), after[table][key]]).toEqual([true, from[table][key]]);
          updated += 1;
        }
        expect(told).toMatchObject({ carried: came.length, already: 0, updated });
        const differing = Object.keys(from[table]).filter(
          (key) => key in before[table] && before[table][key] !== from[table][key],
        );
        expect(told.differing).toBe(differing.length);
        // Everything is accounted for, and nothing is left that could be written.
        const fresh = Object.keys(from[table]).filter((key) => !(key in before[table]));
        const missed = [...fresh, ...(updates.includes(table) ? differing : [])];
        expect(keys.length + left.length + updated).toBe(missed.length);
        for (const key of left.filter((one) => fresh.includes(one)))
          await expect(runSql(pair.toUrl, INSERT(table), [`[${must(from[table][key])}]`])).rejects.toMatchObject({
            code: expect.stringMatching(/^23/),
          });
        expect(Object.values(told.left).reduce((sum, count) => sum + count, 0)).toBe(left.length);
      }
      const again = await pair.carry(TABLES, { updates, folder });
      expect(await stateOf(pair.toUrl)).toEqual(after);
      for (const [at, told] of again.entries()) {
        const first = must(carried[at]);
        const { carried: count, updated, differing } = first;
        expect(told).toMatchObject({ carried: count, already: count, updated, differing });
        expect(Object.values(told.left).reduce((sum, n) => sum + n, 0)).toBe(first.leftKeys.count);
      }
    }),
    {
      numRuns: 40,
      endOnFailure: false,
      examples: [[{ parent: CHAIN, child: [] }, { parent: [], child: [] }, []]],
    },
  );
}, 300_000);

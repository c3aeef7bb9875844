import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkRestored } from '../../../activities/postgres/check.ts';
import { plantCanaryRow } from '../../../activities/postgres/canary-row.ts';
import { restoreBeside } from '../../../activities/postgres/restore.ts';
import { dropScratch, scratchUrl } from '../../../activities/postgres/scratch-database.ts';
import { scratchDatabaseOf } from '../../../domain/names.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { overallVerdict, type Gate } from '../../../domain/verdict.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runSql } from '../../support/postgres.ts';
import { testWork } from '../../support/work.ts';
import { SCHEMA, setStage, type Stage } from './stage.ts';

const CANARY = { pointId: '00000000-0000-8000-8000-000000000001', text: 'the canary of this set' };
const INDEXED = `CREATE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
  CREATE INDEX twice_at ON chunks (twice(at));`;
let stage: Stage;
let set: RecoverySet;
let scratch: string;
let url: string;

beforeAll(async () => {
  stage = await setStage(SCHEMA + INDEXED);
  await plantCanaryRow(stage.parts({ canary: { language: 'en' } }).config, { ...CANARY, section: 'recovery-canary' });
  const taken = await stage.takeSet('set-20260101T000000Z-aaaaaa');
  const artifact = taken.golden;
  set = { ...taken, canary: { ...CANARY, artifact, inRows: true } };
  scratch = scratchDatabaseOf(set.id, 'run00000');
  await restoreBeside(stage.parts(), { set, scratch }, testWork());
  url = scratchUrl(stage.parts().config, scratch).reveal();
});
afterAll(() => stage.postgres.destroy());

const check = (of = set, parts = stage.parts()): Promise<Gate[]> =>
  checkRestored(parts, { set: of, scratch }, testWork());
const named = (gates: readonly Gate[], verdict: Gate['verdict']): string[] =>
  gates.filter((gate) => gate.verdict === verdict).map(({ name }) => name);

/** Restores once more, does harm, and tells which gates fail. */
async function failuresAfter(harm: string): Promise<Gate[]> {
  await restoreBeside(stage.parts(), { set, scratch }, testWork());
  await runSql(url, harm);
  return (await check()).filter(({ verdict }) => verdict !== 'pass');
}

describe('a restored dump', () => {
  test('agrees with its set in everything that is looked at', async () => {
    const gates = await check();
    expect(overallVerdict(gates)).toBe('pass');
    expect(gates.map(({ name }) => name)).toEqual([
      'structure of tables and indexes',
      'constraints',
      'rows of chunks',
      'fingerprint of chunks',
      'rows of public.sessions',
      'fingerprint of public.sessions',
      'chunk rows by the row index',
      'canary among the rows',
    ]);
    expect(gates).toContainEqual(expect.objectContaining({ observed: '3,001 lines agree' }));
    expect(gates).toContainEqual(
      expect.objectContaining({ observed: expect.stringMatching(/1 of them foreign keys$/) }),
    );
  });

  test.each<[string, string, string[]]>([
    [
      'one text that differs',
      `UPDATE chunks SET text = 'changed' WHERE at = 7`,
      ['fingerprint of chunks', 'chunk rows by the row index'],
    ],
    [
      'one value that is no chunk’s',
      'UPDATE sessions SET weight = weight * 1.0000001',
      ['fingerprint of public.sessions'],
    ],
    [
      'a row too few and another twice',
      `DELETE FROM chunks WHERE at = 7; INSERT INTO chunks SELECT gen_random_uuid(), text, source, at, language FROM chunks WHERE at = 8`,
      ['fingerprint of chunks', 'chunk rows by the row index'],
    ],
    [
      'rows that are missing',
      'DELETE FROM chunks WHERE at > 2990',
      ['rows of chunks', 'fingerprint of chunks', 'chunk rows by the row index'],
    ],
    [
      'a canary with another text',
      `UPDATE chunks SET text = 'x', hash = hash WHERE id = '${CANARY.pointId}'`,
      ['fingerprint of chunks', 'chunk rows by the row index', 'canary among the rows'],
    ],
    [
      'a table that is gone',
      'DROP TABLE chunks',
      ['rows of chunks', 'fingerprint of chunks', 'chunk rows by the row index', 'canary among the rows'],
    ],
    [
      'rows that point to nothing',
      `SET session_replication_role = replica; UPDATE messages SET session_id = 999 WHERE id = 3`,
      ['constraints'],
    ],
    [
      'a constraint that was never validated',
      'ALTER TABLE chunks ADD CONSTRAINT positive CHECK (at > 100) NOT VALID',
      ['constraints'],
    ],
    [
      'an index that does not say what its table says',
      `CREATE OR REPLACE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 3'`,
      ['structure of tables and indexes'],
    ],
  ])('with %s fails by name', async (_name, harm, expected) => {
    expect(named(await failuresAfter(harm), 'fail')).toEqual(expected);
  });

  test('tells where the rows part from the row index', async () => {
    await restoreBeside(stage.parts(), { set, scratch }, testWork());
    const [first] = await runSql(url, 'SELECT id::text FROM chunks ORDER BY id OFFSET 4 LIMIT 1');
    await runSql(url, 'DELETE FROM chunks WHERE id = $1::uuid', [first?.['id']]);
    const gate = (await check()).find(({ name }) => name === 'chunk rows by the row index');
    expect(gate?.observed).toContain(`line 5: the set has "${String(first?.['id'])}`);
  });

  test('is not called sound where its structure cannot be looked at', async () => {
    const without = stage.parts({ binDir: temporaryFolder('empty') });
    const [gate] = await check(set, without);
    expect(gate).toMatchObject({ verdict: 'unproven', observed: expect.stringContaining('pg_amcheck cannot be run') });
  });

  test('is not called the same where the set has nothing to compare with', async () => {
    await restoreBeside(stage.parts(), { set, scratch }, testWork());
    const { index: _index, ...part } = set.postgres ?? (await stage.takeSet('unused')).postgres;
    const bare = { ...set, postgres: { ...part, fingerprints: {} } };
    expect(named(await check(bare), 'unproven')).toEqual([
      'fingerprint of chunks',
      'fingerprint of public.sessions',
      'chunk rows by the row index',
    ]);
  });

  test('is asked for no canary that was never planted', async () => {
    const { canary: _canary, ...without } = set;
    expect((await check(without)).map(({ name }) => name)).not.toContain('canary among the rows');
    await dropScratch(stage.parts().config, scratch);
  });
});

describe('the canary’s row', () => {
  const { pointId, text } = CANARY;
  const row = { pointId, text, section: 'recovery-canary' };
  const count = (): Promise<unknown> => runSql(stage.url, 'SELECT count(*)::int AS n FROM chunks');

  test('is always the same one', async () => {
    const { config } = stage.parts({ canary: { language: 'en' } });
    await plantCanaryRow(config, { ...row, text: 'the canary of a later set' });
    expect(await count()).toEqual([{ n: 3_001 }]);
    expect(await runSql(stage.url, 'SELECT text, source, at FROM chunks WHERE id = $1', [pointId])).toEqual([
      { text: 'the canary of a later set', source: 'recovery-canary', at: 0 },
    ]);
  });

  test('is not written when columns would have no value, which are named', async () => {
    const before = await runSql(stage.url, 'SELECT text FROM chunks WHERE id = $1', [pointId]);
    await expect(plantCanaryRow(stage.parts().config, row)).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: 'postgres.tables.chunks.canary: columns of "chunks" must have a value and none is configured: language',
    });
    expect(await runSql(stage.url, 'SELECT text FROM chunks WHERE id = $1', [pointId])).toEqual(before);
  });

  test('is not written when a constant names a column that is not there', async () => {
    const { config } = stage.parts({ canary: { language: 'en', tongue: 'en' } });
    await expect(plantCanaryRow(config, row)).rejects.toMatchObject({
      code: 'UNEXPECTED_SCHEMA',
      message: expect.stringContaining('postgres.tables.chunks.canary.tongue'),
    });
  });
});

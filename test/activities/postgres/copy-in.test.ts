import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Deadlines, withSession } from '../../../activities/postgres/client.ts';
import { Secret } from '../../../config/secret.ts';
import { runSql, startPostgres, type TestPostgres } from '../../support/postgres.ts';

const IMPATIENT: Deadlines = { connect: 5_000, statement: 5_000, silence: 500 };
let postgres: TestPostgres;
let url: Secret;
beforeAll(async () => {
  postgres = await startPostgres();
  url = new Secret(await postgres.createDatabase('stack', 'CREATE TABLE t (id int PRIMARY KEY, body text)'));
});
afterAll(() => postgres.destroy());

async function* pieces(from: number, to: number, fail?: Error): AsyncGenerator<Buffer> {
  for (let id = from; id < to; id += 1) {
    // Cut in the middle of a row.
    yield Buffer.from(`${id}\t`);
    yield Buffer.from(`${'x'.repeat(2_000)}\n`);
  }
  if (fail) throw fail;
}

function copyIn(rows: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number> {
  const task = async (session: Parameters<Parameters<typeof withSession>[2]>[0]): Promise<number> => {
    const count = await session.copyIn('COPY t FROM STDIN', rows);
    await session.commit();
    return count;
  };
  return withSession(url, 'write', task, IMPATIENT, signal);
}
const stored = async (): Promise<unknown> => (await runSql(url.reveal(), 'SELECT count(*)::int AS n FROM t'))[0]?.['n'];

describe('a bulk write', () => {
  test('takes pieces wherever they are cut, and counts rows', async () => {
    expect(await copyIn(pieces(0, 3_000))).toBe(3_000);
    expect(await stored()).toBe(3_000);
    expect(await copyIn(pieces(0, 0))).toBe(0);
  });

  test('keeps nothing when a row is refused, and says why', async () => {
    const twice = copyIn(pieces(2_990, 9_000));
    await expect(twice).rejects.toMatchObject({ code: 'POSTGRES_REFUSED', message: expect.stringContaining('23505') });
    expect(await stored()).toBe(3_000);
  });

  test('fails with the reason of whoever has the rows', async () => {
    await expect(copyIn(pieces(5_000, 6_000, new Error('the source is gone')))).rejects.toThrow('the source is gone');
    expect(await stored()).toBe(3_000);
  });

  test('is given up when Postgres takes nothing for too long, and when it is cancelled', async () => {
    const controller = new AbortController();
    await withSession(url, 'write', async (other) => {
      await other.run('LOCK TABLE t');
      await expect(copyIn(pieces(5_000, 9_000))).rejects.toMatchObject({ code: 'POSTGRES_UNREACHABLE' });
      setTimeout(() => controller.abort(new Error('cancelled')), 100);
      await expect(copyIn(pieces(5_000, 9_000), controller.signal)).rejects.toThrow('cancelled');
    });
    expect(await stored()).toBe(3_000);
  });
});

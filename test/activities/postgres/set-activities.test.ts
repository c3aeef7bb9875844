import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDatabaseSetActivities, createPostgresActivities } from '../../../activities/postgres/index.ts';
import { scratchDatabaseOf } from '../../../domain/names.ts';
import { overallVerdict } from '../../../domain/verdict.ts';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.postgres.destroy());

function environment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
}

function run<T>(activity: () => Promise<T>): Promise<T> {
  return environment().run<[], T, () => Promise<T>>(activity);
}

describe('Postgres’ side of a set, as a worker offers it', () => {
  test('restores, checks and drops, tells how far it is, and a listing proves that nothing is left', async () => {
    const act = createDatabaseSetActivities(stage.parts());
    const set = await stage.takeSet('set-20260101T000000Z-aaaaaa');
    const scratch = scratchDatabaseOf(set.id, 'run00000');
    expect(await act.countRows()).toEqual(set.postgres.rows);

    const beats: unknown[] = [];
    const worker = environment();
    worker.on('heartbeat', (beat) => beats.push(beat));
    await worker.run(() => act.restoreDumpBeside({ set, scratch }));
    expect(beats).toContainEqual({ phase: 'decode the dump', done: 0, total: 1 });
    const gates = await run(() => act.checkRestoredDump({ set, scratch }));
    expect(overallVerdict(gates)).toBe('pass');
    expect(await act.listScratchDatabases()).toEqual([scratch]);
    await act.dropScratchDatabase({ scratch });
    expect(await act.listScratchDatabases()).toEqual([]);
  });

  test('dumps another database than the configured one when it is told a branch, and refuses where there are none', async () => {
    const { config, store } = stage.parts();
    const branch = await stage.postgres.createDatabase(
      'branch',
      `CREATE TABLE chunks (id int, text text, source text); CREATE TABLE sessions (id int); INSERT INTO sessions VALUES (1)`,
    );
    const branchUrl = (): Promise<typeof config.url> => Promise.resolve(stage.parts({ url: branch }).config.url);
    const input = { folder: 'sets/b', branchId: 'br-quiet-sun-1' };
    const dumped = await run(() => createPostgresActivities({ config, store, branchUrl }).dumpDatabase(input));
    expect(dumped.rows).toEqual({ chunks: 0, 'public.sessions': 1 });
    await expect(run(() => createPostgresActivities({ config, store }).dumpDatabase(input))).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining('br-quiet-sun-1'),
    });
  });
});

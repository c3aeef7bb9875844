import { execFile } from 'node:child_process';
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { hasProgram } from '../support/programs.ts';
import { COLLECTION, Scenario } from '../support/scenario.ts';

const PAGE = readFileSync('docs/restore-by-hand.md', 'utf8');
/** Everything that the page tells people to run, in its order. */
const SCRIPT = [...PAGE.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block]) => block).join('\n');
const run = promisify(execFile);

const suite = hasProgram('age') && hasProgram('curl') ? describe : describe.skip;

suite('a set that is restored by hand, by the page and nothing else (needs age and curl)', () => {
  let scenario: Scenario;
  let out: string;
  let set: string;

  beforeAll(async () => {
    scenario = await Scenario.start();
    out = mkdtempSync(join(tmpdir(), 'by-hand-'));
    set = await scenario.backUp();
  }, 180_000);

  afterAll(async () => {
    await scenario?.stop();
    rmSync(out, { recursive: true, force: true });
  }, 60_000);

  const environment = (): Record<string, string> => {
    const { stack } = scenario;
    const { hostname, port, username, password } = new URL(stack.env['DATABASE_URL'] ?? '');
    return {
      PATH: `${stack.pgBinDir}:${process.env['PATH']}`,
      SET: join(stack.env['STORE_DIRECTORY'] ?? '', 'sets', set),
      QDRANT_URL: stack.env['QDRANT_URL'] ?? '',
      QDRANT_API_KEY: stack.env['QDRANT_API_KEY'] ?? '',
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: username,
      PGPASSWORD: password,
      AGE_KEY: join(stack.dir, 'keys', 'on-call.txt'),
      OUT: out,
    };
  };

  test('gives the same points, the same rows and the same variables', async () => {
    const { stdout } = await run('bash', ['-c', SCRIPT], { env: environment(), timeout: 120_000 });
    const points = await scenario.count(COLLECTION);
    expect(stdout).toContain(`"count":${points}`);
    expect(await scenario.count('restored-by-hand')).toBe(points);
    const url = new URL(scenario.stack.env['DATABASE_URL'] ?? '');
    expect(await rowsOf(url, 'restored_by_hand')).toBe(await rowsOf(url, url.pathname.slice(1)));
    expect(readFileSync(join(out, 'app.env'), 'utf8')).toBe(readFileSync(join(scenario.stack.dir, 'app.env'), 'utf8'));
  }, 180_000);

  test('stops at its first step when one byte was changed', async () => {
    const [file = ''] = globSync(join(environment()['SET'] ?? '', 'index-*.tsv'));
    chmodSync(file, 0o644);
    await run('bash', ['-c', `printf x | dd of=${file} bs=1 seek=10 conv=notrunc status=none`]);
    await expect(run('bash', ['-c', SCRIPT], { env: environment() })).rejects.toMatchObject({
      stdout: expect.stringMatching(/index-.*FAILED/),
    });
  }, 60_000);

  async function rowsOf(url: URL, database: string): Promise<number> {
    const connectionString = `postgresql://${url.username}:${url.password}@${url.host}/${database}`;
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rows } = await client
      .query<{ n: number }>('SELECT count(*)::int AS n FROM chunks')
      .finally(() => client.end());
    return rows[0]?.n ?? -1;
  }
});

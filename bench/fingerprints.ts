import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LONG_DEADLINES, withSession } from '../activities/postgres/client.ts';
import { readTableState } from '../activities/postgres/table-state.ts';
import { Secret } from '../config/secret.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { execute, urlOf } from './carry-data.ts';
import { type Stage, withStage } from './stage.ts';
import { median, perSecond, timed } from './timing.ts';

const ROWS = 1_000_000;
const ROUNDS = 3;
const DATABASE = 'bench_rows';
const run = promisify(execFile);

/** Fingerprints of a large table, beside counting it and dumping it. What they cost is shown; there is nothing to be faster than. */
export const fingerprints: Benchmark = {
  name: 'fingerprints',
  about: 'the fingerprint of a large table, beside count(*) and pg_dump of it',
  run: (bench) => withStage(bench, 'fingerprints', ['postgres'], (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const total = bench.sized(ROWS, 1_000);
  await load(stage, total);
  const [ours, counts, dumps]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    counts.push((await timed(() => execute(urlOf(stage, DATABASE), 'SELECT count(*) FROM chunks'))).seconds);
    ours.push((await timed(() => fingerprint(stage, total))).seconds);
    dumps.push((await timed(() => dump(stage))).seconds);
    const [count, own, dumped] = [counts, ours, dumps].map((all) => perSecond(total, all.at(-1) ?? 0));
    bench.say(`count(*) ${count}, fingerprint ${own}, pg_dump ${dumped}`);
  }
  const [rate, limit, peer] = [total / median(ours), total / median(counts), total / median(dumps)];
  return [row({ name: 'fingerprints', ours: rate, limit, peer, goal: 'shown', ok: true, unit: 'rows/s' })];
}

async function load(stage: Stage, total: number): Promise<void> {
  await execute(urlOf(stage, 'postgres'), `CREATE DATABASE ${DATABASE}`);
  await execute(
    urlOf(stage, DATABASE),
    `CREATE TABLE chunks (id uuid PRIMARY KEY, source text, chunk_index int, text text, content_hash text, created_at timestamptz)`,
    `INSERT INTO chunks SELECT md5(n::text)::uuid, 'book.md#section-' || n / 50, n % 50,
       repeat('A passage of a textbook that is about as long as they are. ', 10) || n, md5(n::text) || md5(n::text), now()
       FROM generate_series(1, ${total}) n`,
    'VACUUM ANALYZE chunks',
  );
}

async function fingerprint(stage: Stage, total: number): Promise<void> {
  const url = new Secret(urlOf(stage, DATABASE));
  const state = await withSession(url, 'read', (session) => readTableState(session, 'chunks', 'bench'), LONG_DEADLINES);
  if (state.rows !== total) throw new Error(`${state.rows} of ${total} rows were read`);
}

/** As plain as it can be: nothing is compressed, and nothing is kept. */
async function dump(stage: Stage): Promise<void> {
  const program = join(stage.stack.pgBinDir, 'pg_dump');
  await run(program, ['--format=plain', '--data-only', '--file=/dev/null', `--dbname=${urlOf(stage, DATABASE)}`]);
}

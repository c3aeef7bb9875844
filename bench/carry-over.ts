import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { carryRows } from '../activities/postgres/recovery/carry.ts';
import { Secret } from '../config/secret.ts';
import { ALONE } from './alone.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { AFTER, BEFORE, execute, loadStates, urlOf } from './carry-data.ts';
import { type Stage, withStage } from './stage.ts';
import { median, perSecond, timed } from './timing.ts';

const MESSAGES = 200_000;
const ROUNDS = 3;
const LEAST_RATIO = 0.5;
const TARGET = 'bench_target';

/** Carrying later messages over, beside copying the same rows with nothing looked at. */
export const carryOver: Benchmark = {
  name: 'carry-over',
  about: 'carrying later messages over into a restored state, beside COPY out | COPY in of the same rows',
  run: (bench) => withStage(bench, 'carry-over', ['postgres'], (stage) => measure(bench, stage)),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  const total = bench.sized(MESSAGES, 1_000);
  const older = await loadStates(stage, total);
  bench.say(`${total} later messages, beside ${older} that both states have`);
  const [ours, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    raw.push(await onFreshTarget(stage, () => copyPlainly(stage, older)));
    ours.push(await onFreshTarget(stage, () => carry(stage, total, round)));
    bench.say(`COPY | COPY ${perSecond(total, raw.at(-1) ?? 0)}, ours ${perSecond(total, ours.at(-1) ?? 0)}`);
  }
  const [rate, limit] = [total / median(ours), total / median(raw)];
  const ok = rate >= LEAST_RATIO * limit;
  return [row({ name: 'carry-over', ours: rate, limit, goal: `>= ${LEAST_RATIO}`, ok, unit: 'rows/s' })];
}

/** @returns seconds */
async function onFreshTarget(stage: Stage, work: () => Promise<void>): Promise<number> {
  const server = urlOf(stage, 'postgres');
  await execute(server, `DROP DATABASE IF EXISTS ${TARGET}`, `CREATE DATABASE ${TARGET} TEMPLATE ${BEFORE}`);
  return (await timed(work)).seconds;
}

async function carry(stage: Stage, total: number, round: number): Promise<void> {
  const { config, store } = stage;
  if (!config.postgres) throw new Error('the stage has no Postgres');
  const parts = {
    config: config.postgres,
    store,
    urlOf: async (place: { kind: string }) => new Secret(urlOf(stage, place.kind === 'live' ? AFTER : TARGET)),
  };
  const [, messages] = await carryRows(
    parts,
    {
      from: { kind: 'live' },
      to: { kind: 'beside', database: TARGET },
      tables: ['sessions', 'messages'],
      updates: [],
      folder: `bench/carry-${round}`,
    },
    ALONE,
  );
  if (messages?.carried !== total) throw new Error(`${messages?.carried} of ${total} messages were carried over`);
}

/** What anybody would do who knows which rows are the later ones. */
async function copyPlainly(stage: Stage, older: number): Promise<void> {
  const [source, target] = [AFTER, TARGET].map((name) => new pg.Client({ connectionString: urlOf(stage, name) }));
  if (!source || !target) throw new Error('two clients');
  await Promise.all([source.connect(), target.connect()]);
  try {
    const rows = `SELECT * FROM messages WHERE created_at > TIMESTAMPTZ '2026-01-01' + ${older} * INTERVAL '1 s'`;
    const options = { highWaterMark: 1 << 17 };
    await pipeline(
      source.query(copyTo(`COPY (${rows}) TO STDOUT`, options)),
      target.query(copyFrom('COPY messages FROM STDIN', options)),
    );
  } finally {
    await Promise.all([source.end(), target.end()]);
  }
}

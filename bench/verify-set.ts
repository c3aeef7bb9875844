import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RecoveryActivities } from '../activities/contract.ts';
import { scratchDatabaseOf, scratchNameOf } from '../domain/names.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { type Gate, overallVerdict } from '../domain/verdict.ts';
import { bareActivities, bareBackup } from './bare.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { collectionOf, fill } from './loss.ts';
import { type Stage, withStage } from './stage.ts';
import { median, timed } from './timing.ts';

const POINTS = 50_000;
const ROUNDS = 3;
const MOST_RATIO = 1.5;
const RESTORED = 'bench-plain';
const run = promisify(execFile);

/** A full verification of a set, beside a plain restore of the same set by the tools that anybody has. */
export const verifySet: Benchmark = {
  name: 'verify-set',
  about: 'full verification of a set, beside restoring the same set with curl and pg_restore',
  run: (bench) =>
    withStage(bench, 'verify-set', ['postgres', 'qdrant', 'embeddings', 'app', 'caddy'], (stage) =>
      measure(bench, stage),
    ),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  await fill(bench, stage, bench.sized(POINTS, 500));
  const act = bareActivities(stage.config);
  const set = await bareBackup(act, stage.config, await collectionOf(stage));
  const [ours, plain]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    plain.push((await timed(() => restorePlainly(stage, set))).seconds);
    await act.dropScratch({ scratch: `dr-${RESTORED}` });
    ours.push((await timed(() => verify(act, set))).seconds);
    bench.say(`plain restore ${plain.at(-1)?.toFixed(1)} s, full verification ${ours.at(-1)?.toFixed(1)} s`);
  }
  const [seconds, limit] = [median(ours), median(plain)];
  const ok = seconds <= MOST_RATIO * limit;
  return [row({ name: 'verify-set', ours: seconds, limit, goal: `<= ${MOST_RATIO}`, ok, unit: 's' })];
}

/** Every call that the verification makes of the stores, as it makes them: vectors and rows side by side. */
async function verify(act: RecoveryActivities, set: RecoverySet): Promise<void> {
  const scratch = scratchNameOf(set.qdrant.collection, 'verify', randomUUID());
  const database = scratchDatabaseOf(set.id, randomUUID());
  const vectors = async (): Promise<Gate[]> => {
    await act.restoreSnapshot({ set, scratch });
    return (await Promise.all([act.checkRestored({ set, scratch }), act.checkTogether({ set, scratch })])).flat();
  };
  const rows = async (): Promise<Gate[]> => {
    await act.restoreDumpBeside({ set, scratch: database });
    return act.checkRestoredDump({ set, scratch: database });
  };
  const gates = (await Promise.all([act.checkObjects({ set }), vectors(), rows()])).flat();
  await act.dropRestored({ scratch });
  await act.dropScratchDatabase({ scratch: database });
  const red = gates.find(({ verdict }) => verdict !== 'pass');
  if (overallVerdict(gates) !== 'pass') throw new Error(`${red?.name}: ${red?.observed}`);
}

/** Upload, restore, count; a new database, restore. Nothing is compared with anything. */
async function restorePlainly({ stack, config }: Stage, set: RecoverySet): Promise<void> {
  const { url, apiKey } = config.qdrant;
  const snapshot = join(config.store.directory, set.qdrant.snapshot.key);
  const query = `priority=snapshot&checksum=${set.qdrant.snapshot.sha256}&wait=true`;
  const key = `api-key: ${apiKey?.reveal() ?? ''}`;
  const upload = `${url}/collections/dr-${RESTORED}/snapshots/upload?${query}`;
  await run('curl', ['-sS', '--fail-with-body', '-H', key, '-F', `snapshot=@${snapshot}`, upload]);
  const { hostname, port, username, password } = new URL(stack.env['DATABASE_URL'] ?? '');
  const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password };
  const postgres = (program: string, ...args: string[]): Promise<unknown> =>
    run(join(stack.pgBinDir, program), args, { env });
  const name = RESTORED.replace('-', '_');
  await postgres('createdb', name);
  const dump = join(config.store.directory, set.postgres?.dump.folder ?? '');
  await postgres(
    'pg_restore',
    '--exit-on-error',
    '--no-owner',
    '--no-privileges',
    '--jobs=2',
    `--dbname=${name}`,
    dump,
  );
  await postgres('dropdb', name);
}

import { setTimeout as pause } from 'node:timers/promises';
import { createApiClient } from '@neondatabase/api-client';
import pg from 'pg';
import type { RunReport } from '../domain/report.ts';
import { damagePostgres } from '../sandbox/faults/postgres-damage.ts';
import { seed } from '../sandbox/seed.ts';
import { type Bench, type Benchmark, row, type Row } from './benchmark.ts';
import { type Stage, withStage } from './stage.ts';
import { backUpThroughTemporal, recoverThroughTemporal } from './temporal.ts';
import { median, timed } from './timing.ts';

/** Each leaves two root branches, and the sandbox's plan allows five. */
const ROUNDS = 2;
const TIMES = 1.2;
const SECONDS = 1;
const LOOK_EVERY_MS = 100;

/** How long people are kept out while Postgres is brought back, and how many moments are looked at to know what to go back to. */
export const outage: Benchmark = {
  name: 'outage',
  about: 'read-only time of the app while Postgres is restored, beside a plain script; and probes of the search',
  run: (bench) => withStage(bench, 'outage', undefined, (stage) => measure(bench, stage), { neon: true }),
};

async function measure(bench: Bench, stage: Stage): Promise<Row[]> {
  await seed({ dir: stage.stack.dir, env: stage.stack.env });
  await backUpThroughTemporal(stage);
  const [ours, bare]: [number[], number[]] = [[], []];
  let probes: Row | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { before } = await damage(stage);
    // What was there a moment before the damage, which a script has to be told.
    const moment = new Date(before.getTime() - 1).toISOString();
    bare.push((await timed(() => restorePlainly(stage, moment, `bare-${round}`))).seconds);
    await damage(stage);
    const { report } = await recoverThroughTemporal(stage, 'recoverPostgresMetadata');
    ours.push(outageOf(report));
    probes ??= probesOf(report, stage);
    bench.say(`read-only for ${ours.at(-1)?.toFixed(1)} s, plain script ${bare.at(-1)?.toFixed(1)} s`);
  }
  const [time, limit] = [median(ours), median(bare)];
  const ok = time <= TIMES * limit + SECONDS;
  const goal = `ours <= ${TIMES} x limit + ${SECONDS} s`;
  return [row({ name: 'outage', ours: time, limit, goal, ok, unit: 's' }), ...(probes ? [probes] : [])];
}

function damage({ stack }: Stage): ReturnType<typeof damagePostgres> {
  return damagePostgres('delete-rows', { env: stack.env, control: stack });
}

/** From the first word to the app to the last. */
function outageOf({ steps }: RunReport): number {
  const at = (name: string, end: 'startedAt' | 'endedAt'): number =>
    Date.parse(steps.find((step) => step.name === name)?.[end] ?? '');
  return (at('reopen', 'endedAt') - at('fence', 'startedAt')) / 1_000;
}

function probesOf({ steps, startedAt, set = '' }: RunReport, { config }: Stage): Row {
  const said = steps.find(({ name }) => name === 'moment')?.result ?? '';
  const ours = Number(/(\d+) probes/.exec(said)?.[1] ?? Number.NaN);
  const takenAt = set.replace(/^set-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, '$1-$2-$3T$4:$5:$6Z');
  const window = (Date.parse(startedAt) - Date.parse(takenAt)) / 1_000;
  const resolution = config.postgres?.recovery.resolutionSeconds ?? 1;
  const limit = Math.ceil(Math.log2(window / resolution)) + 2;
  return row({ name: 'outage-probes', ours, limit, goal: 'at most that many', ok: ours <= limit, unit: 'probes' });
}

/** The same restore, by somebody who looks at nothing: switch, restore, wait, connect, switch back. */
async function restorePlainly({ stack, config }: Stage, moment: string, name: string): Promise<void> {
  const { neon, app } = config;
  if (!neon || !app?.maintenance?.header) throw new Error('the stage has no Neon or no switch');
  const { header, path, on, off } = app.maintenance;
  const turn = async (body: object): Promise<void> => {
    const answer = await fetch(`${app.baseUrl}${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', [header.name]: header.value.reveal() },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the switch answered ${answer.status}`);
  };
  const api = createApiClient({ apiKey: neon.apiKey.reveal(), baseURL: neon.apiUrl });
  await turn(on);
  const { branches } = (await api.listProjectBranches({ projectId: neon.projectId })).data;
  const main = branches.find((branch) => branch.default)?.id ?? '';
  const wish = { source_branch_id: main, source_timestamp: moment, preserve_under_name: name };
  const { operations } = (await api.restoreProjectBranch(neon.projectId, main, wish)).data;
  for (const { id } of operations) {
    const done = async (): Promise<boolean> =>
      String((await api.getProjectOperation(neon.projectId, id)).data.operation.status) === 'finished';
    while (!(await done())) await pause(LOOK_EVERY_MS);
  }
  const client = new pg.Client({ connectionString: stack.env['DATABASE_URL'] });
  await client.connect();
  await client.query('SELECT count(*) FROM chunks').finally(() => client.end());
  await turn(off);
}

import { createArtifactStore } from '../activities/store/index.ts';
import type { ClientConfig } from '../config/client.ts';
import { type Finding, type Freshness, freshnessOf, judgeFreshness } from '../domain/freshness.ts';
import { readLivePlace } from '../domain/live-place.ts';
import { taskQueueOf } from '../domain/names.ts';
import { declareSchedules, latenessOf } from '../domain/schedules.ts';
import { describeServer } from '../domain/servers.ts';
import type { Context } from './context.ts';
import { discoverStack, findingsOf } from './discover.ts';
import { problemOf } from './failures.ts';
import { type Compared, compareSchedule } from './schedules/apply.ts';
import { placeOf, storedSets } from './store.ts';
import { type Temporal, withTemporal } from './temporal.ts';
import { countPollers } from './workers.ts';

/** What was found, and the ages of the sets behind it. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly sets: Freshness | undefined;
}

/**
 * Looks at everything that must be there for a recovery tonight. It asks Temporal and the store itself and does not rely on
 * any schedule, since a scheduler that stopped says nothing.
 */
export async function diagnose(config: ClientConfig, environment: string, context: Context): Promise<Diagnosis> {
  const settings: Finding = { name: 'settings', state: 'ok', message: `they load; the environment is ${environment}` };
  const engine = await examine('Temporal', () =>
    withTemporal(context, (temporal) => lookAtTemporal(temporal, config, environment, context.now())),
  );
  const { findings: store, sets } = await lookAtStore(config, environment, context.now());
  return { findings: [settings, ...engine, ...store], sets };
}

/** Whatever a look throws is a finding: the others are still worth having. */
async function examine(name: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { message, next } = problemOf(error).view;
    return [{ name, state: 'broken', message, next }];
  }
}

async function lookAtTemporal(
  temporal: Temporal,
  config: ClientConfig,
  environment: string,
  now: Date,
): Promise<Finding[]> {
  const { address, namespace } = temporal;
  const schedules = declareSchedules(environment, config.schedules).map((declared) =>
    examine(`schedule ${declared.name}`, async () => [judgeSchedule(await compareSchedule(temporal, declared), now)]),
  );
  const worker = await examine('worker', async () => [await lookForWorker(temporal, environment)]);
  return [
    { name: 'Temporal', state: 'ok', message: `${address} answers, namespace ${namespace}` },
    ...worker,
    ...(await Promise.all(schedules)).flat(),
    ...(worker.every(({ state }) => state === 'ok') ? await lookForHazards(temporal, environment) : []),
  ];
}

async function lookForWorker(temporal: Temporal, environment: string): Promise<Finding> {
  const count = await countPollers(temporal, environment);
  const queue = taskQueueOf(environment);
  if (count > 0) return { name: 'worker', state: 'ok', message: `${count} serve task queue ${queue}` };
  const next = 'Start one with `npm run worker`: without it no run does anything.';
  return { name: 'worker', state: 'broken', message: `nobody serves task queue ${queue}`, next };
}

/** Only the worker reaches the stack. One that does not tell is no reason to be woken: it is there, and may be an older one. */
async function lookForHazards(temporal: Temporal, environment: string): Promise<Finding[]> {
  const found = await examine('hazards', async () => findingsOf(await discoverStack(temporal, environment, true)));
  return found.map((finding) =>
    finding.name === 'hazards' && finding.state === 'broken' ? { ...finding, state: 'warning' } : finding,
  );
}

async function lookAtStore(config: ClientConfig, environment: string, now: Date): Promise<Diagnosis> {
  const where = placeOf(config.store);
  let sets: Freshness | undefined;
  const findings = await examine('store', async () => {
    sets = freshnessOf(await storedSets(config.store), { environment, now });
    const place = await readLivePlace(createArtifactStore(config.store));
    const { rpoSeconds } = config.objectives;
    const { verifyWithinDays } = config.retention;
    return [
      { name: 'store', state: 'ok', message: `${where} can be read` },
      ...describePlace(place),
      ...judgeFreshness(sets, { rpoSeconds, verifyWithinDays }),
    ];
  });
  return { findings, sets };
}

/** Told only where a run has ever replaced the server: then nobody may take the settings' first one for it. */
function describePlace(place: Awaited<ReturnType<typeof readLivePlace>>): Finding[] {
  if (!('since' in place)) return [];
  const { server, since, workflowId } = place;
  const message = `${describeServer(server)}, since ${since.slice(0, 16)}Z by ${workflowId}`;
  return [{ name: 'live Qdrant', state: 'ok', message }];
}

function judgeSchedule({ declared, found, drift }: Compared, now: Date): Finding {
  const name = `schedule ${declared.name}`;
  const apply = 'Make it so with `dr schedules apply`.';
  if (!found) return { name, state: 'warning', message: 'it is not on the server', next: apply };
  if (found.state.paused) {
    const next = `Resume it with \`dr schedules resume ${declared.name}\` when the reason is gone.`;
    return { name, state: 'warning', message: `it is paused: ${found.state.note ?? 'without a note'}`, next };
  }
  const { nextActionTimes: next, recentActions, createdAt } = found.info;
  const late = latenessOf({ next, last: recentActions.at(-1)?.takenAt ?? createdAt }, now);
  if (late !== undefined) {
    const mend = `Start it now by hand, and see the schedule ${declared.id} in the Web UI: pausing and resuming it may wake it.`;
    return { name, state: 'broken', message: late, next: mend };
  }
  if (drift.length > 0) {
    const fields = drift.map(({ field }) => field).join('; ');
    return {
      name,
      state: 'warning',
      message: `it is not as declared: ${fields}`,
      next: 'Compare with `dr schedules diff`. ' + apply,
    };
  }
  return { name, state: 'ok', message: `next run ${next[0]?.toISOString().slice(0, 16) ?? 'never'}Z` };
}

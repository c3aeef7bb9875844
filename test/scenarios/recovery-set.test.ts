import { chmod, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDiskStore } from '../../activities/store/disk.ts';
import type { RunReport } from '../../domain/report.ts';
import { artifactsOf } from '../../domain/recovery-set.ts';
import { readStoredSet, type StoredSet } from '../../domain/stored-set.ts';
import { abortSignal, statusQuery } from '../../workflows/messages.ts';
import type { ColdCopy } from '../../domain/cold-copy.ts';
import type { copyColdStorage } from '../../workflows/copy-cold-storage.ts';
import type { backUpStack } from '../../workflows/back-up-stack.ts';
import type { verifyRecoverySet } from '../../workflows/verify-recovery-set.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { historyOf } from '../support/histories.ts';
import { COLLECTION, QUEUE, Scenario, until } from '../support/scenario.ts';

let scenario: Scenario;
let store: string;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start();
  store = scenario.stack.env['STORE_DIRECTORY'] ?? '';
}, 180_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

type Run = WorkflowHandle<typeof backUpStack> | WorkflowHandle<typeof verifyRecoverySet>;

function backUp(): Promise<WorkflowHandle<typeof backUpStack>> {
  return scenario.client.workflow.start<typeof backUpStack>('backUpStack', {
    taskQueue: QUEUE,
    workflowId: `set/${(runs += 1)}`,
    args: [{}],
  });
}

function verify(setId: string, level: 'quick' | 'full'): Promise<WorkflowHandle<typeof verifyRecoverySet>> {
  return scenario.client.workflow.start<typeof verifyRecoverySet>('verifyRecoverySet', {
    taskQueue: QUEUE,
    workflowId: `set/${(runs += 1)}`,
    args: [{ setId, level }],
  });
}

async function stored(id: string | undefined): Promise<StoredSet> {
  const found = await readStoredSet(createDiskStore(store), id ?? '');
  if (!found || 'problem' in found) throw new Error(found?.problem ?? `there is no set ${id}`);
  return found;
}

function redGates({ gates }: RunReport): string[] {
  return gates.filter(({ verdict }) => verdict !== 'pass').map(({ name, observed }) => `${name}: ${observed}`);
}

/** Nothing that a run makes for itself is still there, as listings of what there is say. */
async function expectNothingLeft(setIds: readonly string[]): Promise<void> {
  expect(await scenario.collections()).toEqual([COLLECTION]);
  expect(await scenario.databases()).not.toContainEqual(expect.stringMatching(/^dr_/));
  const snapshots = (await scenario.qdrant('GET', `/collections/${COLLECTION}/snapshots`)) as { result: unknown[] };
  expect(snapshots.result).toEqual([]);
  const sets = await readdir(join(store, 'sets'));
  expect(sets.sort()).toEqual([...setIds].sort());
  for (const id of setIds) {
    const { set } = await stored(id);
    const files = (await readdir(join(store, 'sets', id), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('verifications'))
      .map((entry) => join(entry.parentPath, entry.name).slice(store.length + 1));
    const named = [...artifactsOf(set).map(({ key }) => key), `sets/${id}/manifest.json`, `sets/${id}/SHA256SUMS`];
    expect(files.sort()).toEqual(named.sort());
  }
}

const made: string[] = [];

describe('a recovery set', () => {
  test('binds every part, and is verified once it has been restored beside', async () => {
    const backup = await backUp();
    const taken = await backup.result();
    expect(redGates(taken)).toEqual([]);
    expect(taken).toMatchObject({ outcome: 'completed', verdict: 'pass' });
    made.push(taken.set ?? '');
    const { set, state } = await stored(taken.set);
    expect(state).toBe('checked');
    expect(set).toMatchObject({
      qdrant: { collection: COLLECTION, sample: expect.anything() },
      postgres: { rows: { chunks: expect.any(Number) }, index: expect.anything() },
      configuration: { files: [{ kind: 'env' }, { kind: 'file' }], keyCanary: expect.anything() },
      canary: { inRows: true },
      drift: { points: { added: 0, changed: 0, removed: 0 }, rows: {} },
      store: { kind: 'disk' },
    });

    const verification = await verify(set.id, 'full');
    const verified = await verification.result();
    expect(redGates(verified)).toEqual([]);
    expect(verified).toMatchObject({ outcome: 'completed', verdict: 'pass' });
    expect((await stored(set.id)).state).toBe('verified');
    await expectNothingLeft(made);
    const histories = [await historyOf(backup, 'backup-completed'), await historyOf(verification, 'set-verified')];
    for (const json of histories) {
      expect(json.length).toBeLessThan(1_000_000);
      for (const secret of Object.values(scenario.stack.secrets)) expect(json).not.toContain(secret);
    }
  }, 180_000);

  test('in which any one object has one bit turned, is cut or is missing fails a quick verification that names it', async () => {
    const { set } = await stored(made[0]);
    for (const { key, bytes } of artifactsOf(set)) {
      const path = join(store, key);
      const whole = await readFile(path);
      const turned = Buffer.from(whole);
      const at = Math.floor(bytes / 2);
      turned[at] = (turned[at] ?? 0) ^ 1;
      await chmod(path, 0o644);
      await writeFile(path, bytes === 0 ? 'x' : turned);
      await expectFailing(set.id, key);
      await writeFile(path, whole);
    }
    const [first, second] = artifactsOf(set);
    const cut = join(store, first?.key ?? '');
    const whole = await readFile(cut);
    await truncate(cut, whole.length - 1);
    await expectFailing(set.id, first?.key ?? '');
    await writeFile(cut, whole);
    const away = join(store, second?.key ?? '');
    await rename(away, `${away}.away`);
    await expectFailing(set.id, second?.key ?? '');
    await rename(`${away}.away`, away);
    expect(await (await verify(set.id, 'full')).result()).toMatchObject({ verdict: 'pass' });
    expect((await stored(set.id)).state).toBe('verified');
  }, 300_000);

  async function expectFailing(id: string, key: string): Promise<void> {
    const report = await (await verify(id, 'quick')).result();
    expect(report).toMatchObject({ outcome: 'completed', verdict: 'fail' });
    expect(redGates(report).join()).toContain(key);
    expect((await stored(id)).state).toBe('failed');
  }

  test('whose manifest was swapped or changed fails, is named, and is not chosen', async () => {
    const id = made[0] ?? '';
    const path = join(store, 'sets', id, 'manifest.json');
    const whole = await readFile(path, 'utf8');
    await chmod(path, 0o644);
    await writeFile(path, whole.replace('"points": 3', '"points": 4'));
    const report = await (await verify(id, 'quick')).result();
    expect(report.verdict).toBe('fail');
    expect(redGates(report).join()).toContain('manifest.json');
    await expect((await scenario.run({ setId: id })).result()).rejects.toMatchObject({
      cause: { type: 'SET_TAMPERED' },
    });
    await writeFile(path, whole);
  }, 60_000);

  test('taken under load is verified, and what it may have missed is listed and nothing else', async () => {
    const { set: before } = await stored(made[0]);
    const load = scenario.load();
    const taken = await (await backUp()).result();
    const ingested = await load.stop();
    expect(redGates(taken)).toEqual([]);
    made.push(taken.set ?? '');
    const { set } = await stored(taken.set);
    expect(ingested.points.length).toBeGreaterThan(0);
    const verified = await (await verify(set.id, 'full')).result();
    expect(redGates(verified)).toEqual([]);

    const index = new Set(
      (await readFile(join(store, set.qdrant.index.key), 'utf8')).split('\n').map((line) => line.split('\t')[0]),
    );
    const changed = (await readFile(join(store, set.drift?.list?.key ?? ''), 'utf8')).split('\n').filter(Boolean);
    // All that changed is the load's, and all of the load that was there by the comparison is in one of the two lists.
    expect(changed.filter((id) => !ingested.points.includes(id))).toEqual([]);
    expect(changed).toHaveLength(set.drift?.points.added ?? -1);
    const compared = taken.steps.find(({ name }) => name === 'agree')?.startedAt ?? '';
    const early = ingested.timed.filter(({ at }) => at < compared).map(({ id }) => id);
    expect(early.filter((id) => !index.has(id) && !changed.includes(id))).toEqual([]);
    expect(set.postgres?.rows['messages'] ?? 0).toBeGreaterThan(before.postgres?.rows['messages'] ?? 0);
  }, 240_000);
});

describe('a worker that is killed', () => {
  /** How often it dies; steps of both are struck. */
  const MOST_KILLS = EVERY_STEP ? Infinity : 5;

  test('in the steps of a backup and of a verification leaves nothing behind, and both end as they would have', async () => {
    const runs = [await backUp(), await verify(made[0] ?? '', 'full')];
    const ended = runs.map(async (run) => ({ ended: true, report: await run.result() }));
    const killed = new Set<string>();
    for (let going = true; going;) {
      const fresh = (await Promise.all(runs.map(async (run) => stepsBegun(run))))
        .flat()
        .filter((step) => !killed.has(step));
      if (fresh.length > 0 && killed.size < MOST_KILLS) {
        fresh.forEach((step) => killed.add(step));
        await scenario.stack.kill('worker', 'SIGKILL');
        await scenario.stack.start('worker');
      }
      going = await Promise.race([Promise.all(ended).then(() => false), pause(50).then(() => true)]);
    }
    const reports = (await Promise.all(ended)).map(({ report }) => report);
    for (const report of reports) expect(report).toMatchObject({ outcome: 'completed', verdict: 'pass' });
    expect(killed.size).toBeGreaterThanOrEqual(Math.min(MOST_KILLS, 10));
    made.push(reports[0]?.set ?? '');
    await expectNothingLeft(made);
  }, 420_000);

  async function stepsBegun(run: Run): Promise<string[]> {
    const status = await run.query(statusQuery).catch(() => undefined);
    const begun = (status?.steps ?? []).filter(({ state }) => state !== 'pending');
    return begun.map(({ name }) => `${run.workflowId} ${name}`);
  }
});

describe('a backup that is aborted in the middle', () => {
  test('leaves no half set', async () => {
    const run = await backUp();
    await until(run, ({ steps }) => steps.some(({ name, state }) => name === 'dump' && state !== 'pending'));
    await run.signal(abortSignal, { by: 'ann', reason: 'enough' });
    expect(await run.result()).toMatchObject({ outcome: 'aborted' });
    await expectNothingLeft(made);
  }, 60_000);
});

describe('a cold copy through Temporal', () => {
  const copy = (): Promise<ColdCopy> =>
    scenario.client.workflow.execute<typeof copyColdStorage>('copyColdStorage', {
      taskQueue: QUEUE,
      workflowId: `cold/${(runs += 1)}`,
      args: [{}],
    });

  test('is refused while Qdrant runs, and taken when it is stopped', async () => {
    await expect(copy()).rejects.toMatchObject({ cause: { type: 'QDRANT_RUNNING' } });
    await scenario.stack.kill('qdrant', 'SIGTERM');
    expect(await copy()).toMatchObject({ environment: 'sandbox', collections: [COLLECTION] });
    await scenario.stack.start('qdrant');
    await expectNothingLeft(made);
  }, 90_000);
});

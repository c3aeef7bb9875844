import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDiskStore } from '../../activities/store/disk.ts';
import { FAILURES } from '../../domain/failures.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import { readStoredSet } from '../../domain/stored-set.ts';
import { abortSignal } from '../../workflows/messages.ts';
import { temporaryFolder } from '../support/folder.ts';
import { filesIn, type Said, saidAtStart, saidByActivity, saidByRun, Surgery } from '../support/refusals.ts';
import { until } from '../support/scenario.ts';
import { configuration } from './backup-refusals/configuration.ts';
import { neon } from './backup-refusals/neon.ts';
import { postgres } from './backup-refusals/postgres.ts';
import type { Refusal, Wrong } from './backup-refusals/refusal.ts';
import { settings } from './backup-refusals/settings.ts';
import { bucket, store } from './backup-refusals/store.ts';
import { vectors } from './backup-refusals/vectors.ts';

const refusals: Refusal[] = [...settings, ...postgres, ...vectors, ...configuration, ...store, ...neon];

let surgery: Surgery;
let set: RecoverySet;

beforeAll(async () => {
  surgery = await Surgery.open();
  const { set: id } = await (await surgery.backUp(await surgery.compose())).result();
  const stored = await readStoredSet(createDiskStore(surgery.store), id ?? '');
  if (!stored || 'problem' in stored) throw new Error(stored?.problem ?? 'no set was taken');
  ({ set } = stored);
}, 120_000);

afterAll(async () => {
  await surgery?.close();
}, 60_000);

/** Whatever lies below sets/ belongs to a set with a manifest, and nothing that was begun is left anywhere. */
function expectNoHalfSet(): void {
  const files = filesIn(surgery.store);
  const folders = new Set(files.flatMap((path) => /^sets\/([^/]+)\//.exec(path)?.[1] ?? []));
  expect(files).toEqual(expect.arrayContaining([...folders].map((id) => `sets/${id}/manifest.json`)));
  expect(files.filter((path) => path.endsWith('.part') || path.startsWith('probe-'))).toEqual([]);
}

async function provoke({ at, act }: Refusal, { settings: over, env, mend }: Wrong): Promise<Said> {
  const composed = surgery.compose(over, env);
  if (at === 'start') return saidAtStart(composed);
  if (at === 'activity') return saidByActivity(await composed, (all) => act?.(all, set) ?? Promise.resolve());
  const run = at === 'backup' ? surgery.backUp(await composed) : surgery.verify(await composed, set.id);
  return saidByRun(await run, mend);
}

test.each(refusals.filter(({ unless }) => unless === undefined))(
  'is refused by name, with what to do, and nothing is left half done: $what',
  async (refusal) => {
    const wrong = (await refusal.wrong?.(surgery)) ?? {};
    try {
      const before = [await surgery.everythingThere(), await wrong.elsewhere?.()];
      const said = await provoke(refusal, wrong);
      expect(said).toMatchObject({
        code: refusal.code,
        message: expect.stringMatching(refusal.message),
        next: FAILURES[refusal.code].next,
        ...(refusal.step === undefined ? {} : { step: refusal.step }),
      });
      for (const secret of Object.values(surgery.scenario.stack.secrets)) expect(said.message).not.toContain(secret);
      expect([await surgery.everythingThere(), await wrong.elsewhere?.()]).toEqual(before);
      expectNoHalfSet();
    } finally {
      await wrong.restore?.();
    }
  },
  60_000,
);

test('is taken, and said, when what runs has no tag or was changed beside its commit', async () => {
  const git = temporaryFolder('release');
  const run = (...args: string[]): unknown =>
    execFileSync('git', ['-c', 'user.name=ann', '-c', 'user.email=ann@example.org', '-C', git, ...args]);
  run('init', '--quiet');
  run('commit', '--quiet', '--allow-empty', '--message', 'first');
  writeFileSync(join(git, 'changed.txt'), 'beside the commit');
  const before = await surgery.everythingThere();
  const settings = { configuration: { release: { git } } };
  const report = await (await surgery.backUp(await surgery.compose(settings))).result();
  expect(report).toMatchObject({ outcome: 'completed' });
  const gate = report.gates.find(({ name }) => name === 'release');
  expect(gate?.verdict).not.toBe('pass');
  expect(gate?.observed).toMatch(/has no tag: tag what is released.*working tree differs.*Commit it/);
  expectNoHalfSet();
  rmSync(join(surgery.store, 'sets', report.set ?? 'none'), { recursive: true });
  expect(await surgery.everythingThere()).toEqual(before);
}, 60_000);

test('says in its report what it could not take away, when the key of the bucket has expired for good', async () => {
  let expired = false;
  const wrong = await bucket(({ method, name }) => {
    expired ||= method === 'PUT' && name.endsWith('.snapshot');
    return expired ? { status: 400, code: 'ExpiredToken' } : undefined;
  });
  try {
    const run = await surgery.backUp(await surgery.compose(wrong.settings));
    await until(run, ({ awaits }) => awaits === 'operator');
    await run.signal(abortSignal, { by: 'ann' });
    const { outcome, undo, notes } = await run.result();
    expect(outcome).toBe('aborted');
    const message = expect.stringMatching(/ sets\/set-.*has expired\. Give the worker a new one/);
    expect(undo).toEqual([{ kind: 'undo', title: 'Remove the unfinished set', outcome: 'failed', message }]);
    expect(notes).toContainEqual(expect.stringMatching(/the report could not be written to the store: .*has expired/));
  } finally {
    await wrong.restore?.();
  }
}, 60_000);

test('is refused while another backup is taken, and while a recovery is in progress', async () => {
  const before = await surgery.everythingThere();
  const wanting = await surgery.compose({ configuration: { envFiles: ['/nowhere/.env'] } });
  const backup = await surgery.backUp(wanting);
  await until(backup, ({ awaits }) => awaits === 'operator');
  const beside = await saidByRun(await surgery.backUp(wanting));
  expect(beside).toMatchObject(inProgress(backup.workflowId));
  await backup.signal(abortSignal, { by: 'ann' });
  await backup.result();

  await surgery.scenario.break('delete-sections');
  const damaged = await surgery.everythingThere();
  const recovery = await surgery.scenario.run();
  await until(recovery, ({ awaits }) => awaits === 'approval');
  const during = await saidByRun(await surgery.backUp(wanting));
  expect(during).toMatchObject(inProgress(recovery.workflowId));
  await recovery.signal(abortSignal, { by: 'ann' });
  await recovery.result();
  expect(await surgery.everythingThere()).toEqual(damaged);
  expect({ ...damaged, points: 0 }).toEqual({ ...before, points: 0 });
}, 60_000);

const inProgress = (workflowId: string): object => ({
  code: 'RUN_IN_PROGRESS',
  step: 'open',
  message: expect.stringContaining(`sandbox: ${workflowId} is in progress, and only one run may be`),
  next: 'Wait for the run that holds the lease, or abort it.',
});

const untried = refusals.filter(({ unless }) => unless !== undefined);
if (untried.length > 0) test.skip.each(untried)('cannot be tried here, $unless: $what', () => undefined);

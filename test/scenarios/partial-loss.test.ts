import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { abortSignal, rollBackUpdate } from '../../workflows/messages.ts';
import { approve, commit, running, Scenario, until } from '../support/scenario.ts';

const DAMAGE = ['delete-sections', 'corrupt-vectors', 'edit-payload', 'drop-index'];

let scenario: Scenario;
let whole: Map<string, string>;

beforeAll(async () => {
  scenario = await Scenario.start({ points: 2_000 });
  await scenario.backUp();
  whole = await scenario.everything();
}, 180_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

/** What every recovery must leave: the same points to the last bit, and nothing beside. */
async function expectHealed(): Promise<void> {
  expect(await scenario.everything()).toEqual(whole);
  expect(await scenario.collections()).toEqual(['textbook-content-v1']);
}

describe('a recovery from partial loss', () => {
  test('brings every point back as it was, with a history that a person can read', async () => {
    await scenario.break(...DAMAGE);
    expect(await scenario.everything()).not.toEqual(whole);
    const run = await scenario.run();
    await approve(run);
    await commit(run);
    const report = await run.result();
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass', rpo: { chunksLost: 0 } });
    expect(report.gates.map(({ verdict }) => verdict)).not.toContain('unproven');
    await expectHealed();
    const history = await run.fetchHistory();
    const json = historyToJSON(history);
    expect(history.events?.length).toBeLessThan(300);
    expect(json.length).toBeLessThan(1_000_000);
    for (const secret of Object.values(scenario.stack.secrets)) expect(json).not.toContain(secret);
    record('partial-loss-recovered', json);
  }, 120_000);

  test('goes on, and ends the same, when the worker is killed at any moment', async () => {
    for (const delay of [0, 250, 700]) {
      await scenario.break('delete-sections', 'corrupt-vectors');
      const run = await scenario.run();
      await approve(run);
      await pause(delay);
      await scenario.stack.kill('worker', 'SIGKILL');
      await scenario.stack.start('worker');
      await commit(run);
      expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
      await expectHealed();
    }
  }, 240_000);

  test('waits while Qdrant is away, says so, and goes on when it is back', async () => {
    await scenario.qdrant('POST', '/collections/textbook-content/points/delete?wait=true', {
      filter: { must_not: [{ key: 'source', match: { value: 'nothing' } }] },
    });
    const run = await scenario.run();
    await approve(run);
    await until(run, running('copyBack'));
    await scenario.stack.kill('qdrant', 'SIGKILL');
    const waiting = await until(run, ({ awaiting }) => awaiting !== undefined);
    expect(waiting.awaiting).toMatch(/qdrant.*next try in/i);
    await scenario.stack.start('qdrant');
    await commit(run);
    const report = await run.result();
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(report.steps.some(({ attempts }) => attempts > 1)).toBe(true);
    await expectHealed();
  }, 180_000);
});

describe('undoing a recovery', () => {
  test('rollBack leaves the collection exactly as damaged as it was', async () => {
    await scenario.break(...DAMAGE);
    const damaged = await scenario.everything();
    const run = await scenario.run();
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    expect(await scenario.everything()).toEqual(whole);
    await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    expect(await run.result()).toMatchObject({ outcome: 'rolled-back', verdict: 'fail' });
    expect(await scenario.everything()).toEqual(damaged);
    expect(await scenario.collections()).toEqual(['textbook-content-v1']);
    record('partial-loss-rolled-back', historyToJSON(await run.fetchHistory()));
  }, 120_000);

  test('an abort in the middle does too, and leaves alone what people wrote in the meantime', async () => {
    const damaged = await scenario.everything();
    const run = await scenario.run();
    await approve(run);
    await until(run, running('restoreBeside'));
    await run.signal(abortSignal, { by: 'ann' });
    expect(await run.result()).toMatchObject({ outcome: 'aborted' });
    expect(await scenario.everything()).toEqual(damaged);
  }, 120_000);

  test('heals after all', async () => {
    const run = await scenario.run();
    await approve(run);
    await commit(run);
    await run.result();
    await expectHealed();
  }, 120_000);
});

/** Keeps a history for the replay tests, when asked to by `RECORD_HISTORIES=1`. */
function record(name: string, json: string): void {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const folder = join(process.cwd(), 'test/replay/histories');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(JSON.parse(json), null, 1)}\n`);
}

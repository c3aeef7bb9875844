import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { abortSignal, rollBackUpdate } from '../../workflows/messages.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { historyOf } from '../support/histories.ts';
import { approve, COLLECTION, commit, running, Scenario, until } from '../support/scenario.ts';

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
    const json = await historyOf(run, 'partial-loss-recovered');
    expect((await run.describe()).historyLength).toBeLessThan(300);
    expect(json.length).toBeLessThan(1_000_000);
    for (const secret of Object.values(scenario.stack.secrets)) expect(json).not.toContain(secret);
  }, 120_000);

  test('goes on, and ends the same, when the worker is killed at any moment', async () => {
    for (const delay of EVERY_STEP ? [0, 250, 700] : [250]) {
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
    await historyOf(run, 'partial-loss-rolled-back');
  }, 120_000);

  test('leaves alone what people put back while the plan waited', async () => {
    const damaged = await scenario.everything();
    const [id = '', text = ''] = [...whole].find(([key]) => !damaged.has(key)) ?? [];
    const run = await scenario.run();
    await until(run, ({ awaits }) => awaits === 'approval');
    await scenario.qdrant('PUT', `/collections/${COLLECTION}/points?wait=true`, { points: [JSON.parse(text)] });
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    expect(await run.result()).toMatchObject({ outcome: 'rolled-back' });
    expect(await scenario.everything()).toEqual(new Map([...damaged, [id, text]]));
    await scenario.qdrant('POST', `/collections/${COLLECTION}/points/delete?wait=true`, { points: [id] });
  }, 120_000);

  test('an abort in the middle leaves it exactly as damaged as it was, too', async () => {
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

describe('vectors without a row', () => {
  test('are dropped when the plan says so, but for one whose row came while the plan waited', async () => {
    await scenario.break('orphans');
    const orphans = [...(await scenario.everything())].filter(([id]) => !whole.has(id));
    const [[id = '', text = ''] = []] = orphans;
    const run = await scenario.run({ dropOrphans: true });
    await until(run, ({ awaits }) => awaits === 'approval');
    const { payload } = JSON.parse(text) as { payload: Record<string, unknown> };
    await scenario.sql(
      'INSERT INTO chunks (id, source, heading, chunk_index, text, content_hash) VALUES ($1, $2, $3, $4, $5, $6)',
      [id, payload['source'], payload['heading'], payload['chunk_index'], payload['text'], payload['content_hash']],
    );
    await approve(run);
    await commit(run);
    expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(await scenario.everything()).toEqual(new Map([...whole, [id, text]]));
    await scenario.sql('DELETE FROM chunks WHERE id = $1', [id]);
  }, 120_000);
});

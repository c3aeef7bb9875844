import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import pg from 'pg';
import { CANARY_SECTION } from '../../domain/canary.ts';
import type { ReindexInput } from '../../domain/run-input.ts';
import { abortSignal, rollBackUpdate } from '../../workflows/messages.ts';
import type { reindexContent } from '../../workflows/reindex-content.ts';
import { EVERY_STEP } from '../support/every-step.ts';
import { historyOf } from '../support/histories.ts';
import { approve, COLLECTION, commit, QUEUE, running, Scenario, until } from '../support/scenario.ts';

type ReindexRun = WorkflowHandleWithFirstExecutionRunId<typeof reindexContent>;

const ALIAS = 'textbook-content';
const FILE = '03-vectors.md';
const SENTENCE = 'A zebrafish larva regrows its heart within three weeks, which no vector database can do.';

let scenario: Scenario;
let original: string;
let runs = 0;

beforeAll(async () => {
  scenario = await Scenario.start({ points: 500 });
  await scenario.backUp();
  original = await readFile(join(scenario.stack.dir, 'textbook', FILE), 'utf8');
}, 180_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

function start(input: ReindexInput = {}): Promise<ReindexRun> {
  return scenario.client.workflow.start<typeof reindexContent>('reindexContent', {
    taskQueue: QUEUE,
    workflowId: `reindex/${(runs += 1)}`,
    args: [input],
  });
}

const write = (text: string): Promise<void> => writeFile(join(scenario.stack.dir, 'textbook', FILE), text);

async function rows(): Promise<Map<string, string>> {
  const client = new pg.Client({ connectionString: scenario.stack.env['DATABASE_URL'] });
  await client.connect();
  const found = await client
    .query<{ id: string; row: string }>('SELECT id::text, to_jsonb(chunks)::text AS row FROM chunks')
    .finally(() => client.end());
  return new Map(found.rows.map(({ id, row }) => [id, row]));
}

async function ask(question: string): Promise<{ answer: string; citations: { source: string; text: string }[] }> {
  const response = await fetch(`${scenario.stack.urls.app}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question }),
  });
  return (await response.json()) as { answer: string; citations: { source: string; text: string }[] };
}

const ofFile = (things: ReadonlyMap<string, string>): string[] =>
  [...things.values()].filter((one) => one.includes(FILE));
const others = (things: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...things].filter(([, one]) => !one.includes(FILE) && !one.includes(CANARY_SECTION)));

/** The backup that a run asked for plants a canary of its own. */
async function backedUp(run: ReindexRun): Promise<void> {
  const after = scenario.client.workflow.getHandle(`backup-after/${run.firstExecutionRunId}`);
  expect(await after.result()).toMatchObject({ verdict: 'pass' });
}

/** A paragraph changed, one gone, and a section that is new. */
function edition(): string {
  const blocks = original.split('\n\n');
  const paragraphs = blocks.flatMap((block, at) => (block.startsWith('#') || block.trim() === '' ? [] : [at]));
  const [first = 0, second = 0] = paragraphs;
  return [
    ...blocks
      .map((block, at) => (at === first ? 'This paragraph was written anew.' : block))
      .filter((_, at) => at !== second),
    `## Of zebrafish\n\n${SENTENCE}\n`,
  ].join('\n\n');
}

describe('reindexing', () => {
  test('takes the new edition of a file into a fresh collection, and leaves everything else to the bit', async () => {
    const [pointsBefore, rowsBefore] = [await scenario.everything(ALIAS), await rows()];
    await write(edition());
    const run = await start({ sections: [FILE] });
    await approve(run);
    await commit(run);
    const report = await run.result();
    expect(report).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    expect(report.plan?.steps.map(({ step }) => step)).toContain('keep');
    const [pointsAfter, rowsAfter] = [await scenario.everything(ALIAS), await rows()];
    expect(others(pointsAfter)).toEqual(others(pointsBefore));
    expect(others(rowsAfter)).toEqual(others(rowsBefore));
    expect([...pointsAfter.keys()].filter((id) => rowsAfter.has(id)).length).toBe(rowsAfter.size);
    expect(ofFile(pointsAfter).length).toBe(ofFile(pointsBefore).length);
    expect(ofFile(rowsAfter).filter((row) => row.includes('written anew'))).toHaveLength(1);
    expect(await scenario.collections()).toHaveLength(2);
    // The old one is as it was.
    expect(others(await scenario.everything(COLLECTION))).toEqual(others(pointsBefore));
    const { citations } = await ask('How fast does a zebrafish larva regrow its heart?');
    expect(citations[0]).toMatchObject({ source: `${FILE}#of-zebrafish`, text: SENTENCE });
    await historyOf(run, 'reindex-sections');
    await backedUp(run);
  }, 180_000);

  test('rolls back to the former collection and the former rows', async () => {
    const [pointsBefore, rowsBefore, collections] = [
      await scenario.everything(ALIAS),
      await rows(),
      await scenario.collections(),
    ];
    await write(original);
    const run = await start({ sections: [FILE], commitWindowMinutes: 5 });
    await approve(run);
    await until(run, ({ awaits }) => awaits === 'commit');
    expect((await rows()).size).toBeGreaterThan(0);
    expect(await rows()).not.toEqual(rowsBefore);
    await run.executeUpdate(rollBackUpdate, { args: [{ by: 'ann' }] });
    expect(await run.result()).toMatchObject({ outcome: 'rolled-back' });
    expect(await scenario.everything(ALIAS)).toEqual(pointsBefore);
    expect(await rows()).toEqual(rowsBefore);
    expect(await scenario.collections()).toEqual(collections);
  }, 180_000);

  test('indexes everything again though the worker is killed in the middle, and an abort leaves nothing', async () => {
    const rowsBefore = await rows();
    const collections = await scenario.collections();
    const aborted = await start({});
    await approve(aborted);
    await until(aborted, running('embed'));
    await aborted.signal(abortSignal, { by: 'ann', reason: 'a mistake' });
    await aborted.result().catch(() => undefined);
    expect(await scenario.collections()).toEqual(collections);
    expect(await rows()).toEqual(rowsBefore);

    const run = await start({});
    await approve(run);
    for (const step of EVERY_STEP ? ['create', 'keep', 'embed', 'switch'] : ['embed']) {
      await until(run, running(step));
      await scenario.stack.kill('worker', 'SIGKILL');
      await scenario.stack.start('worker');
    }
    await commit(run);
    expect(await run.result()).toMatchObject({ outcome: 'recovered', verdict: 'pass' });
    const points = await scenario.everything(ALIAS);
    const now = await rows();
    expect([...now.keys()].every((id) => points.has(id))).toBe(true);
    expect(ofFile(now).filter((row) => row.includes('zebrafish'))).toHaveLength(0);
    await backedUp(run);
  }, 240_000);

  test('refuses sections that the source does not have, and writes nothing', async () => {
    const collections = await scenario.collections();
    const run = await start({ sections: ['09-nothing.md', `${FILE}#nothing`] });
    await expect(run.result()).rejects.toThrow();
    expect((await run.describe()).status.name).toBe('FAILED');
    expect(await scenario.collections()).toEqual(collections);
  }, 60_000);
});

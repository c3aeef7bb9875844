import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createChatApp } from '../../../activities/app/client.ts';
import { captureGolden, checkRetrieval } from '../../../activities/stack/golden.ts';
import { appConfigSchema } from '../../../config/app.ts';
import { goldenAnswerSchema, type GoldenQuestion, type RecoverySet } from '../../../domain/recovery-set.ts';
import type { Gate, Verdict } from '../../../domain/verdict.ts';
import { startServer, type TestServer } from '../../support/http.ts';
import { makeSet } from '../../support/recovery-set.ts';
import { testWork } from '../../support/work.ts';
import { chunks, COLLECTION, setStage, type Stage } from './stage.ts';

/** Vectors are hashes, so the question that finds a chunk is its own text. */
const QUESTIONS: GoldenQuestion[] = [
  { question: 'text 1', sources: ['a.md#s1'] },
  { question: 'text 2', sources: ['elsewhere', 'a.md#s2'] },
  { question: 'text 3', sources: ['never.md#found'] },
];

let stage: Stage;
let app: TestServer;
let sets = 0;
beforeAll(async () => {
  [stage, app] = await Promise.all([setStage(), startServer()]);
});
afterAll(() => Promise.all([stage.close(), app.stop()]));
beforeEach(async () => {
  await stage.reset();
  await stage.putPoints(chunks(20));
  app.answer(({ body }) => ({ body: { answer: 'So.', citations: cite((body as { question: string }).question) } }));
});

const cite = (question: string): object[] => [{ source: `a.md#s${question.slice(-1)}` }];
const withApp = (): Stage['ports'] => ({
  ...stage.ports,
  questions: () => Promise.resolve(QUESTIONS),
  app: createChatApp(appConfigSchema.parse({ baseUrl: app.url })),
});
const withoutApp = (): Stage['ports'] => ({ ...stage.ports, questions: () => Promise.resolve(QUESTIONS) });

async function takeSet(ports = withApp()): Promise<RecoverySet> {
  sets += 1;
  const set = await makeSet(stage.ports.store, {
    id: `set-20260101T000000Z-${String(sets).padStart(6, '0')}`,
    index: await stage.index(),
  });
  return {
    ...set,
    golden: await captureGolden(ports, { collection: COLLECTION, folder: `sets/${set.id}` }, testWork()),
  };
}

function check(set: RecoverySet, sections: string[] = [], ports = withApp()): Promise<Gate[]> {
  return checkRetrieval(ports, { collection: COLLECTION, set, sections }, testWork());
}

const verdicts = (gates: Gate[]): Record<string, Verdict> =>
  Object.fromEntries(gates.map(({ name, verdict }) => [name, verdict]));

describe('the golden questions of a set', () => {
  test('are kept with what Qdrant retrieved and the app cited, best first', async () => {
    const { golden } = await takeSet();
    const pieces: Uint8Array[] = [];
    for await (const piece of stage.ports.store.open(golden)) pieces.push(piece);
    const answers = goldenAnswerSchema.array().parse(JSON.parse(Buffer.concat(pieces).toString()));
    expect(answers).toHaveLength(3);
    expect(answers[0]).toMatchObject({ ...QUESTIONS[0], cited: ['a.md#s1'] });
    expect(answers[0]?.retrieved).toHaveLength(5);
    expect([answers[0]?.retrieved[0], answers[0]?.sections[0]]).toEqual(['1', 'a.md#s1']);
  });

  test('pass on an undamaged stack, but for what never worked', async () => {
    const gates = await check(await takeSet());
    expect(verdicts(gates)).toEqual({ retrieval: 'pass', overlap: 'pass', citations: 'pass' });
    expect(gates[0]?.observed).toBe('2 of 2; 1 not counted, which failed when the set was taken too');
  });

  test('fail when what they ask about is gone, by name', async () => {
    const set = await takeSet();
    await stage.deletePoints(
      chunks(20)
        .map(({ id }) => id)
        .filter((id) => id.endsWith('1')),
    );
    const gates = await check(set);
    expect(gates[0]).toMatchObject({
      name: 'retrieval',
      verdict: 'fail',
      observed: expect.stringContaining('not: “text 1”'),
    });
  });

  test('fail when the answers come from another space', async () => {
    const set = await takeSet();
    await stage.putPoints(
      chunks(20).map(({ id, text }) => ({ id, text: `${text} in other words`, source: `a.md#s${id.slice(-1)}` })),
    );
    expect(verdicts(await check(set))).toMatchObject({ overlap: 'fail' });
  });

  test('fail when the app cites something else', async () => {
    const set = await takeSet();
    app.answer(() => ({ body: { answer: 'So.', citations: [] } }));
    expect(verdicts(await check(set))).toMatchObject({ retrieval: 'pass', citations: 'fail' });
  });

  test('are asked about the affected sections only, and tell how many of those they cover', async () => {
    const set = await takeSet();
    app.heard.length = 0;
    const gates = await check(set, ['a.md#s2', 'a.md#s9']);
    expect(app.heard.map(({ body }) => body)).toEqual([{ question: 'text 2' }]);
    expect(gates[0]).toMatchObject({ verdict: 'pass', observed: '1 of 1; 1 of 2 affected sections have a question' });
  });

  test('give way to the chunks’ own text where none asks about what was affected', async () => {
    const set = await takeSet();
    expect(verdicts(await check(set, ['a.md#s7']))).toEqual({ 'own text': 'pass' });
    expect(verdicts(await check(set, ['not.md#indexed']))).toEqual({ 'own text': 'unproven' });
  });

  test('need no app', async () => {
    expect(verdicts(await check(await takeSet(withoutApp()), [], withoutApp()))).toEqual({
      retrieval: 'pass',
      overlap: 'pass',
    });
  });

  test('wait for an app that is out, rather than judge it', async () => {
    const set = await takeSet();
    app.answer(() => ({ status: 503, body: 'starting' }));
    await expect(check(set)).rejects.toMatchObject({ code: 'APP_UNREACHABLE' });
  });
});

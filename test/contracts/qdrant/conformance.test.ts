import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { differences, view } from './comparison.ts';
import { FixtureServer } from './fixture-server.ts';
import { Front, realServer } from './front.ts';
import { Normaliser } from './normaliser.ts';
import { Player } from './player.ts';
import { loadCases, loadRecording, stepKey, type Case } from './recording.ts';

/** What the front says it does not have. It must answer 501 there, and the list must stay short. */
const LACKING = new Set(['create', 'list', 'delete', 'delete again'].map((step) => `full snapshot / ${step}`));
const MOST_LACKING = 4;

const cases = loadCases();
const recording = loadRecording(process.env['QDRANT_CONTRACT_RECORDING']);
const real = realServer();
const fixture = new FixtureServer();
const [recorded, played] = [new Normaliser(), new Normaliser()];
let front: Front | undefined;
let player: Player;

beforeAll(async () => {
  if (!real) front = await Front.start();
  const place = real ?? front?.place;
  if (!place) throw new Error('nothing to play against');
  player = new Player(place, await fixture.start(), fixture.artifacts);
});

afterAll(async () => {
  await front?.stop();
  await fixture.stop();
});

async function agrees(one: Case): Promise<void> {
  const expected = recording.get(stepKey(one));
  if (!expected) throw new Error(`nothing is recorded for ${stepKey(one)}`);
  const left = view(recorded.normal(expected), one.compare, one.unordered);
  const right = view(played.normal(await player.play(one)), one.compare, one.unordered);
  expect([...differences(left, right)]).toEqual([]);
}

async function isDeclinedOpenly(one: Case): Promise<void> {
  if (!player.variables.has('full')) player.variables.set('full', 'full-snapshot.snapshot');
  const answer = await player.play(one);
  expect(answer.status).toBe(501);
  expect(answer.body).toMatchObject({ status: { error: expect.stringContaining('does not have') } });
}

for (const scenario of new Set(cases.map((one) => one.scenario))) {
  describe(scenario, () => {
    for (const one of cases.filter((candidate) => candidate.scenario === scenario)) {
      const lacking = !real && LACKING.has(stepKey(one));
      test(lacking ? `${one.step}: 501` : one.step, () => (lacking ? isDeclinedOpenly(one) : agrees(one)));
    }
  });
}

describe('what the front does not have', () => {
  test('is little', () => {
    expect(LACKING.size).toBeLessThanOrEqual(MOST_LACKING);
    expect(cases.filter((one) => LACKING.has(stepKey(one)))).toHaveLength(LACKING.size);
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { APP_CONDITIONS, appConditionOf, diagnoseApp } from '../../domain/app-failure.ts';
import { APP_DEPTHS, APP_FINDINGS, type AppLook, type AppProbe } from '../../domain/app-probe.ts';

const look = (depth: AppLook['depth'], finding: AppLook['finding'], said: string = finding): AppLook => ({
  depth,
  finding,
  said,
  milliseconds: 1,
});
const probe = (looks: AppLook[], down: string[] = []): AppProbe => ({
  at: '2026-01-01T00:00:00Z',
  server: 'primary',
  looks,
  dependencies: [
    { name: 'Qdrant', ok: !down.includes('Qdrant'), said: 'said' },
    { name: 'Postgres', ok: !down.includes('Postgres'), said: 'said' },
  ],
});
const WELL = probe([look('port', 'ok'), look('question', 'ok'), look('router', 'ok')]);

describe('the condition of an app server', () => {
  test.each([
    [
      'what deploys there says that nothing runs, and the app answers',
      [look('process', 'untried'), look('port', 'ok')],
      'well',
    ],
    ['nobody listens', [look('process', 'untried'), look('port', 'refused')], 'gone'],
    ['no answer comes', [look('port', 'ok'), look('shallow', 'timeout')], 'silent'],
    ['errors come', [look('shallow', 'ok'), look('deep', 'error')], 'erring'],
    ['its health is fine and its answers are errors', [look('deep', 'ok'), look('question', 'error')], 'erring'],
    ['its answers are wrong', [look('deep', 'ok'), look('question', 'wrong')], 'wrong'],
    ['it says that it lacks what we reach', [look('deep', 'degraded')], 'misconfigured'],
    ['it is slow', [look('deep', 'slow'), look('question', 'ok')], 'slow'],
    ['our key is not taken', [look('question', 'denied')], 'locked-out'],
    ['only the way to it is broken', [look('question', 'ok'), look('router', 'error')], 'router'],
    ['all is well', WELL.looks, 'well'],
    ['nothing could be looked at', [look('process', 'untried')], 'well'],
  ] as const)('%s', (_what, looks, condition) => {
    expect(appConditionOf(probe([...looks]))).toBe(condition);
  });

  test('what every server would lack comes first, whatever else is wrong', () => {
    expect(appConditionOf(probe([look('port', 'refused')], ['Qdrant']))).toBe('dependency');
    expect(APP_CONDITIONS.dependency.remedy).toBe('mend');
  });

  test('every round has a condition', () => {
    const looks = fc.array(
      fc.record({ depth: fc.constantFrom(...APP_DEPTHS), finding: fc.constantFrom(...APP_FINDINGS) }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(looks, (found) => {
        const condition = appConditionOf(probe(found.map(({ depth, finding }) => look(depth, finding))));
        expect(APP_CONDITIONS).toHaveProperty(condition);
      }),
    );
  });
});

describe('a diagnosis', () => {
  const GONE = probe([look('port', 'refused', 'ECONNREFUSED')]);
  const SILENT = probe([look('port', 'ok'), look('deep', 'timeout')]);

  test('a blip is none', () => {
    expect(diagnoseApp([GONE, GONE], 3)).toBeUndefined();
    expect(diagnoseApp([GONE, GONE, WELL], 3)).toBeUndefined();
    expect(diagnoseApp([GONE, GONE, WELL, WELL, WELL], 3)).toMatchObject({ condition: 'well', remedy: 'none' });
  });

  test('rounds agree that it has failed though they differ in how', () => {
    expect(diagnoseApp([GONE, SILENT, GONE], 3)).toMatchObject({
      condition: 'gone',
      remedy: 'replace',
      sentence:
        'The app server primary is gone: nobody listens there (port: ECONNREFUSED; seen 3 times since 2026-01-01T00:00:00Z)',
    });
  });

  test('one round that blames the release is enough: one that crashes and is started again is gone in the next', () => {
    const erring = probe([look('port', 'ok'), look('question', 'error')]);
    expect(diagnoseApp([erring, erring, GONE], 3)).toMatchObject({ condition: 'gone', blamesRelease: true });
    expect(diagnoseApp([GONE, GONE, GONE], 3)).toMatchObject({ condition: 'gone', blamesRelease: false });
  });

  test('what is down for everybody is named', () => {
    const down = probe([look('port', 'ok')], ['Postgres']);
    expect(diagnoseApp([down, down, down], 3)?.sentence).toContain('Postgres: said');
  });

  test('one that comes and goes is a question for people in the end', () => {
    const rounds = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? GONE : WELL));
    expect(diagnoseApp(rounds, 3)).toMatchObject({ condition: 'strange', remedy: 'mend' });
  });
});

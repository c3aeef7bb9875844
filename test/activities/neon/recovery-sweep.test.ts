import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runSql } from '../../support/postgres.ts';
import { setStage, type Stage } from './stage.ts';

let stage: Stage;
let runs = 0;
beforeAll(async () => {
  stage = await setStage({ limits: { rootBranches: 500 } });
});
afterAll(() => stage?.close());
afterEach(async () => {
  await stage.neon.noFaults();
  await stage.idle();
});

/** What Neon does at its worst, each once or twice, on whatever is asked next. */
const FAULTS: Readonly<Record<string, object>> = {
  'rate-limit': { count: 2, retry_after: 0.1 },
  unavailable: { count: 2 },
  locked: { count: 2 },
  'not-ready': { count: 2, method: 'POST' },
  'not-found': { count: 2, method: 'GET', path: '/(operations|branches)/' },
  'lost-response': { count: 1, method: 'POST|DELETE' },
  hang: { count: 1, seconds: 2, method: 'POST|DELETE' },
  'operation-fails': { count: 2, action: '.' },
  'operation-fails, for good': { count: 1, action: '.', fatal: true },
};

/** Patience of somebody who tries again: an answer is not waited for long. */
const SHORT = { patience: { answerMs: 700, lookMs: 3_000 } };

interface Call {
  /** Makes what the call needs, without a fault. */
  prepare?(runId: string): Promise<void>;
  act(runId: string): Promise<unknown>;
  /** Branches of the run that must be there afterwards, and no others. */
  readonly leaves: readonly string[];
}

const moment = async (): Promise<{ timestamp: string }> => {
  const [row] = await runSql(
    stage.url,
    `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.USZ') as now`,
  );
  return { timestamp: String(row?.['now']) };
};
/** Kept for another attempt, as the run keeps what it was told. */
const plans = new Map<string, { at: { timestamp: string }; lastResetAt: string | null }>();
async function planOf(runId: string) {
  const known = plans.get(runId);
  if (known) return known;
  const { lastResetAt } = await stage.run((act) => act.readNeonHistory());
  const plan = { at: await moment(), lastResetAt };
  plans.set(runId, plan);
  return plan;
}
const restore = async (runId: string, overrides?: object): Promise<unknown> => {
  const plan = await planOf(runId);
  return stage.run((act) => act.restoreBranch({ ...plan, preserveAs: `recovery-${runId}-before` }), overrides);
};
const probe = async (runId: string, overrides?: object): Promise<unknown> => {
  const { at } = await planOf(runId);
  return stage.run((act) => act.makeRecoveryBranch({ name: `recovery-${runId}-probe-1`, at }), overrides);
};

const CALLS: Readonly<Record<string, Call>> = {
  makeRecoveryBranch: {
    prepare: async (runId) => void (await planOf(runId)),
    act: (runId) => probe(runId, SHORT),
    leaves: ['probe-1'],
  },
  restoreBranch: {
    prepare: async (runId) => void (await planOf(runId)),
    act: (runId) => restore(runId, SHORT),
    leaves: ['before'],
  },
  putBranchBack: {
    prepare: async (runId) => void (await restore(runId)),
    act: (runId) =>
      stage.run(
        (act) => act.putBranchBack({ preserved: `recovery-${runId}-before`, keepAs: `recovery-${runId}-after` }),
        SHORT,
      ),
    leaves: ['after', 'before'],
  },
  releaseBranch: {
    prepare: async (runId) => void (await probe(runId)),
    act: (runId) => stage.run((act) => act.releaseBranch({ name: `recovery-${runId}-probe-1` }), SHORT),
    leaves: [],
  },
  restartCompute: { act: () => stage.run((act) => act.restartCompute({}), SHORT), leaves: [] },
};

const NAMED = /^(NEON_[A-Z]+)$/;
const MOST_TRIES = 4;

describe('whatever Neon does, a call is done in the end, once', () => {
  const cases = Object.keys(CALLS).flatMap((call) => Object.keys(FAULTS).map((fault) => [call, fault] as const));
  test.each(cases)('%s over %s', async (name, fault) => {
    const call = CALLS[name];
    const runId = `${(runs += 1)}`.padStart(8, '0');
    if (!call) throw new Error(`no call ${name}`);
    await call.prepare?.(runId);
    await stage.idle();
    await stage.neon.fault(fault.split(',')[0] ?? '', FAULTS[fault]);
    const failures: string[] = [];
    for (let tries = 1; ; tries += 1) {
      const failure = await call.act(runId).then(
        () => undefined,
        (error: { type?: string; message: string }) => error.type ?? error.message,
      );
      if (failure === undefined) break;
      failures.push(failure);
      expect(failure).toMatch(NAMED);
      if (tries === MOST_TRIES) throw new Error(`it did not come to an end: ${failures.join(', ')}`);
      await stage.idle();
    }
    await stage.neon.noFaults();
    await stage.idle();
    const mine = (await stage.branches()).filter((branch) => branch.name.startsWith(`recovery-${runId}-`));
    expect(mine.map((branch) => branch.name).sort()).toEqual(
      call.leaves.map((purpose) => `recovery-${runId}-${purpose}`),
    );
    // The app's address leads to its branch, whatever happened on the way.
    expect(await runSql(stage.url, 'select count(*)::int as n from chunks where id = 1')).toEqual([{ n: 1 }]);
  });
});

import { describe, expect, test } from '@jest/globals';
import { renderChecklist } from '../../domain/checklist.ts';
import { planHash } from '../../domain/plan.ts';
import { planPartialLoss } from '../../domain/partial-loss-plan.ts';
import type { RunStatus, StepRecord } from '../../domain/report.ts';
import { damage, recoverySet } from '../support/fake-activities.ts';

const now = new Date('2026-01-01T03:04:12Z');
const step = (change: Partial<StepRecord>): StepRecord => ({
  name: 'a',
  title: 'Find what is damaged',
  phase: 'detect',
  state: 'pending',
  attempts: 0,
  ...change,
});

function status(change: Partial<RunStatus> = {}): RunStatus {
  return {
    scenario: 'partial-loss',
    environment: 'test',
    phase: 'detect',
    steps: [step({})],
    gates: [],
    decisions: [],
    startedAt: '2026-01-01T03:00:00Z',
    faultDeclaredAt: '2026-01-01T03:00:00Z',
    ...change,
  };
}

const plan = planPartialLoss(
  {
    damage: damage({ missing: 10 }, 10),
    shape: [],
    set: recoverySet,
    why: 'the newest',
    dropOrphans: false,
    hasRows: true,
    depth: 'content',
  },
  {
    environment: 'test',
    runId: 'run',
    collectionName: 'textbook-content',
    collection: 'textbook-content-v2',
    scratch: 'dr-restore-x',
    faultDeclaredAt: '2026-01-01T00:00:00Z',
    commitWindowMinutes: 60,
  },
);

describe('the live checklist', () => {
  test('shows the RTO clock and every step with its state, time, tries and result', () => {
    const text = renderChecklist(
      status({
        steps: [
          step({
            state: 'done',
            attempts: 3,
            startedAt: '2026-01-01T03:00:00Z',
            endedAt: '2026-01-01T03:01:05Z',
            result: '12 missing',
          }),
          step({ title: 'Copy back', state: 'running', attempts: 1, startedAt: '2026-01-01T03:04:00Z' }),
        ],
      }),
      now,
    );
    expect(text).toContain('RTO clock: running since 2026-01-01T03:00:00Z (4 min 12 s when this was written');
    expect(text).toContain('| Find what is damaged (try 3)   | ✔ done   | 1 min 5 s   | 12 missing |');
    expect(text).toContain('| Copy back   | ▶ running   | since 03:04:00Z   |');
  });

  test('stops the clock when every gate was green', () => {
    const text = renderChecklist(status({ phase: 'reopen', recoveredAt: '2026-01-01T03:00:41Z' }), now);
    expect(text).toContain('RTO: 41 s; every gate was green at 2026-01-01T03:00:41Z');
    expect(text).not.toContain('running since');
  });

  test('says first what is awaited, with the failure and the next step', () => {
    const failure = { code: 'QDRANT_UNREACHABLE', message: 'qdrant: connection refused', next: 'Bring Qdrant back.' };
    const text = renderChecklist(
      status({ awaiting: 'qdrant: connection refused. Next try in 8 s', steps: [step({ state: 'waiting', failure })] }),
      now,
    );
    expect(text.indexOf('Waiting for: qdrant')).toBeLessThan(text.indexOf('RTO clock'));
    expect(text).toContain('qdrant: connection refused — Bring Qdrant back.');
  });

  test('holds everything that an approver must type, ready to paste', () => {
    const hash = planHash(plan);
    const text = renderChecklist(status({ phase: 'decide', plan, planHash: hash }), now);
    const payload = /`(\{"plan".*?\})`/.exec(text)?.[1] ?? '';
    expect(JSON.parse(payload)).toEqual({ plan: hash.slice(0, 12), approver: 'your name' });
    expect(text).toContain('copy 10 points');
    expect(text).toContain('What will be lost');
  });

  test('keeps text from breaking its tables', () => {
    const text = renderChecklist(status({ steps: [step({ state: 'done', result: 'a | b\nc' })] }), now);
    expect(text).toContain('a \\| b c');
  });

  test('stays well under what the Web UI can carry, with every step and gate filled', () => {
    const many = Array.from({ length: 15 }, (_, i) =>
      step({ title: `step ${i}`, state: 'done', result: 'x'.repeat(120) }),
    );
    expect(
      renderChecklist(status({ steps: many, plan, planHash: planHash(plan), phase: 'decide' }), now).length,
    ).toBeLessThan(8_000);
  });
});

import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { Context } from '../../client/context.ts';
import { clean, Output } from '../../client/output.ts';
import { changes, statusPage } from '../../client/status-text.ts';
import { renderTable } from '../../client/table.ts';
import type { Plan } from '../../domain/plan.ts';
import type { Awaits, RunStatus, StepRecord } from '../../domain/report.ts';

const pipe = { isTTY: false, columns: 80 };
const screen = { isTTY: true, columns: 60 };

const step = (fields: Partial<StepRecord>): StepRecord => ({
  name: 'copyBack',
  title: 'Copy back',
  phase: 'restore',
  state: 'pending',
  attempts: 0,
  ...fields,
});

const status = (...steps: StepRecord[]): RunStatus => ({
  scenario: 'partial-loss',
  environment: 'test',
  phase: 'restore',
  steps,
  gates: [],
  decisions: [],
  startedAt: '2026-01-01T00:00:00Z',
  faultDeclaredAt: '2026-01-01T00:00:00Z',
});

function output(colors: boolean): Output {
  const terminal = { stream: new PassThrough(), isTTY: true, columns: 80, rows: 24 };
  const context: Context = {
    stdin: Readable.from([]),
    stdout: terminal,
    stderr: terminal,
    colors,
    sources: {},
    user: 'operator',
    pollMs: 1,
    now: () => new Date('2026-01-01T00:02:00Z'),
  };
  return new Output(context, false);
}

describe('a table', () => {
  test('in a pipe has aligned columns, no borders, and a line for each row', () => {
    const text = renderTable(
      pipe,
      ['set', 'points'],
      [
        ['a', '1'],
        ['long-name', '20'],
      ],
    );
    expect(text.split('\n')).toEqual(['set        points', 'a          1', 'long-name  20']);
  });

  test('on a terminal wraps its widest column and stays within the width', () => {
    const text = renderTable(screen, ['step', 'result'], [['word '.repeat(40), 'restored']]);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(screen.columns);
    expect(text.match(/word/g)).toHaveLength(40);
  });

  test('on a terminal breaks a name that is too long, and loses nothing of it', () => {
    const name = 'dr-restore-textbook-content-v1-'.repeat(3);
    const text = renderTable(screen, ['what', 'why'], [[name, 'because']]);
    expect(text).not.toContain('…');
    expect(text.replace(/[^a-z0-9-]|because|what|why/g, '')).toBe(name);
  });

  test('on a terminal never breaks the name of a thing that fits into the width: people copy it', () => {
    const id = 'set-20260124T020000Z-1a2b3c';
    const row = [id, 'production', 'verified, parts disagree', '1,234,567', '123,456,789', 'text-embedding-3-large'];
    const head = ['set', 'environment', 'state', 'points', 'bytes', 'embeddings'];
    for (const columns of [60, 80, 100, 120]) expect(renderTable({ ...screen, columns }, head, [row])).toContain(id);
  });

  test('carries no characters that would steer the terminal', () => {
    const text = renderTable(pipe, ['step'], [['\u001b[2Jgone\u0007\nline']]);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(clean('\u009b31mred')).toBe('31mred');
  });
});

describe('a run on a page', () => {
  test('says first what it waits for, then every step with time, try and failure', () => {
    const failure = { code: 'DISK_FULL', message: 'no space', next: 'Free some.' };
    const started = '2026-01-01T00:01:00Z';
    const page = statusPage(
      {
        ...status(step({ state: 'waiting', attempts: 3, startedAt: started, failure })),
        awaiting: 'retryStep or abort',
      },
      output(false),
      pipe,
      new Date('2026-01-01T00:02:00Z'),
    );
    expect(page.split('\n')[1]).toBe('Waiting for: retryStep or abort');
    expect(page).toMatch(/⏸ waiting\s+Copy back\s+1 min\s+try 3, no space — Free some\./);
    expect(page).toContain('2 min since the fault was declared');
  });

  test('shows the plan only while it waits for its approval, and not at another wait in the same phase', () => {
    const plan: Plan = {
      version: 1,
      scenario: 'partial-loss',
      environment: 'test',
      target: 'textbook-content-v1',
      runId: 'run',
      reason: '12 chunks are missing',
      steps: [{ step: 'copyBack', what: 'Copy back 12 points' }],
      loss: 'Nothing.',
      expectedSeconds: 60,
      basis: {},
    };
    const deciding = { ...status(step({})), phase: 'decide', plan, planHash: 'a'.repeat(64), awaiting: 'an answer' };
    const page = (awaits: Awaits): string =>
      statusPage({ ...deciding, awaits }, output(false), pipe, new Date('2026-01-01T00:02:00Z'));
    expect(page('approval')).toContain('Plan aaaaaaaaaaaa for textbook-content-v1: 12 chunks are missing');
    expect(page('outage')).not.toContain('Plan aaaaaaaaaaaa');
  });

  test('is coloured only where colours are wanted', () => {
    const now = new Date('2026-01-01T00:02:00Z');
    const done = status(step({ state: 'done' }));
    expect(statusPage(done, output(false), screen, now)).not.toContain('\u001b');
    expect(statusPage(done, output(true), screen, now)).toContain('\u001b[32m');
  });
});

describe('a run line by line', () => {
  test('tells each change once', () => {
    const first = status(step({ state: 'running', attempts: 1 }), step({ name: 'verify', title: 'Verify' }));
    const second = status(
      step({ state: 'done', attempts: 1, result: '12 points' }),
      step({ name: 'verify', title: 'Verify', state: 'running', attempts: 1 }),
    );
    expect(changes(undefined, first)).toEqual(['▶ running: Copy back']);
    expect(changes(first, first)).toEqual([]);
    expect(changes(first, second)).toEqual(['✔ done: Copy back (12 points)', '▶ running: Verify']);
    const waiting = { ...second, awaiting: 'approval of plan abc' };
    expect(changes(second, waiting)).toEqual(['Waiting for: approval of plan abc']);
  });
});

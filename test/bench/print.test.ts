import { describe, expect, test } from '@jest/globals';
import pc from 'picocolors';
import { readArguments } from '../../bench/arguments.ts';
import { failedRow, row } from '../../bench/benchmark.ts';
import { exitCodeOf, renderJson, renderTable } from '../../bench/print.ts';
import { fastest, median } from '../../bench/timing.ts';

const fast = row({
  name: 'copy-back',
  ours: 9_000.4,
  limit: 10_000,
  peer: 1_500,
  goal: '>= 0.9',
  ok: true,
  unit: '/s',
});
const heavy = row({ name: 'memory', ours: 330, limit: 300, goal: '< 1', ok: false, unit: 'MB' });
const plain = pc.createColors(false);

describe('the JSON of a run', () => {
  test('is one line with one array, and each row has the eight agreed fields in their order', () => {
    const text = renderJson([fast, heavy]);
    expect(text.trimEnd()).not.toContain('\n');
    const rows = JSON.parse(text) as Record<string, unknown>[];
    expect(rows.map((one) => Object.keys(one))).toEqual(
      Array<string[]>(2).fill(['name', 'ours', 'limit', 'peer', 'ratio', 'goal', 'ok', 'unit']),
    );
  });

  test('gives ours over the limit as the ratio, and null for a peer that there is none of', () => {
    const rows = JSON.parse(renderJson([fast, heavy])) as unknown[];
    expect(rows[0]).toMatchObject({ ours: 9_000, limit: 10_000, peer: 1_500, ratio: 0.9, ok: true });
    expect(rows[1]).toMatchObject({ ratio: 1.1, peer: null, ok: false });
  });

  test('has a row for a benchmark that failed, which is not ok', () => {
    expect(JSON.parse(renderJson([failedRow('repair')]))).toEqual([
      { name: 'repair', ours: null, limit: null, peer: null, ratio: null, goal: 'a result', ok: false, unit: '' },
    ]);
  });
});

describe('the exit code', () => {
  test('is 0 only when there are results and each is ok', () => {
    expect(exitCodeOf([fast])).toBe(0);
    expect(exitCodeOf([fast, heavy])).toBe(1);
    expect(exitCodeOf([fast, failedRow('repair')])).toBe(1);
    expect(exitCodeOf([])).toBe(1);
  });
});

test('the table shows every number, the goal and whether it is met', () => {
  const lines = renderTable([fast, heavy], plain).split('\n');
  expect(lines.find((line) => line.includes('copy-back'))).toMatch(/9,000.*10,000.*1,500.*0\.9.*>= 0\.9.*yes.*\/s/);
  expect(lines.find((line) => line.includes('memory'))).toMatch(/330.*300.*1\.1.*< 1.*no.*MB/);
});

describe('the arguments', () => {
  const names = ['run', 'repair'];

  test('default to every benchmark at full size', () => {
    expect(readArguments([], names)).toEqual({ only: undefined, json: false, scale: 1, help: false });
  });

  test('name one benchmark, and a smaller size', () => {
    const args = readArguments(['--only', 'repair', '--scale', '0.1', '--json'], names);
    expect(args).toEqual({ only: 'repair', json: true, scale: 0.1, help: false });
  });

  test.each([
    [['--only', 'walk'], '--only: walk is not one of run, repair'],
    [['--scale', '0'], '--scale: 0 is not above 0 and at most 1'],
    [['--scale', 'big'], '--scale: big is not above 0 and at most 1'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuse %j', (args, why) => {
    expect(() => readArguments(args, names)).toThrow(why);
  });
});

describe('measurements', () => {
  test('the median ignores how they came, and is between the two in the middle of an even number', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 9])).toBe(3);
    expect(() => median([])).toThrow('nothing');
  });

  test('the fastest way is the one with the fewest seconds', () => {
    expect(fastest([[3, 'a'], [1, 'b'], [2, 'c']])).toBe('b'); // prettier-ignore
  });
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal.ts';

const folder = join(process.cwd(), 'test/replay/histories');
const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown;

/** Histories of runs on real parts. A change of the workflows that would break a running recovery fails here. */
describe('recorded runs still replay', () => {
  test('there are some', () => expect(names.length).toBeGreaterThanOrEqual(2));

  test.each(names)('%s', async (name) => {
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, read(name));
  });
});

test('a history that these workflows could not have made is refused', async () => {
  const name = 'partial-loss-recovered.json';
  const text = readFileSync(join(folder, name), 'utf8').replaceAll('"chooseRecoverySet"', '"chooseAnotherSet"');
  await expect(Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, JSON.parse(text))).rejects.toThrow(
    DeterminismViolationError,
  );
});

/** Two copies of protobufjs in the tree would break reading and writing histories, with an error that names neither. */
test('histories can be written as JSON with the packages as installed', () => {
  expect(historyToJSON({ events: [] })).toBe('{}');
});

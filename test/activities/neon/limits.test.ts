import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Branch, Project } from '../../../activities/neon/answers.ts';
import { suspendSecondsFor } from '../../../activities/neon/compute.ts';
import { expectBranchable } from '../../../activities/neon/source.ts';
import { eventually } from '../../support/qdrant-cloud.ts';
import { setStage, type Stage } from './stage.ts';

describe('a plan without room', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage({ limits: { branches: 2 } });
  });
  afterAll(() => stage?.close());

  test('is told with what takes the room, and an earlier branch is still adopted', async () => {
    const first = await stage.run((act) => act.createBackupBranch({ setId: 'one' }));
    await expect(stage.run((act) => act.createBackupBranch({ setId: 'two' }))).rejects.toMatchObject({
      type: 'NEON_LIMIT',
      message: expect.stringMatching(/limit exceeded.*has 2, of which 1 are backups.*retentionDays/),
    });
    expect(await stage.run((act) => act.createBackupBranch({ setId: 'one' }))).toEqual(first);
  });

  test('has room again when a backup is removed', async () => {
    await stage.run((act) => act.removeBackupBranch({ setId: 'one' }));
    const { branchId } = await stage.run((act) => act.createBackupBranch({ setId: 'two' }));
    const found = await eventually(stage.branches, (all) => all.some(({ id }) => id === branchId));
    expect(found).toHaveLength(2);
  });
});

const branch = (more: Partial<Branch> = {}): Branch => ({
  id: 'br-1',
  name: 'main',
  current_state: 'ready',
  default: true,
  protected: false,
  ...more,
});
const bare: Project = { id: 'p', history_retention_seconds: 86_400 };
const project = (subscription_type: string): Project => ({
  ...bare,
  owner: { branches_limit: 2, subscription_type },
});

test('a free plan that is full is refused before anything is asked for, another one is left to Neon', () => {
  const full = [branch(), branch({ id: 'br-2', name: 'backup-1' })];
  expect(() => expectBranchable(branch(), full, project('free_v3'))).toThrow(/allows 2 branches.*1 are backups/);
  expect(() => expectBranchable(branch(), full, project('launch_v3'))).not.toThrow();
  expect(() => expectBranchable(branch(), full.slice(1), project('free_v3'))).not.toThrow();
});

test('a compute goes to sleep after five minutes, whatever the project’s default is', () => {
  const of = (seconds: number) =>
    suspendSecondsFor({ ...bare, default_endpoint_settings: { suspend_timeout_seconds: seconds } });
  expect([-1, 3_600].map(of)).toEqual([300, 300]);
  // Not set where it need not be: the smallest plans refuse it.
  expect([0, 60, 300].map(of)).toEqual([undefined, undefined, undefined]);
  expect(suspendSecondsFor(bare)).toBeUndefined();
});

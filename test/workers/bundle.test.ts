import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Worker } from '@temporalio/worker';

const folder = mkdtempSync(join(tmpdir(), 'dr-bundle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(process.cwd(), script), ...args], { encoding: 'utf8' });

test('workflows that were put together beforehand replay what the others have recorded', async () => {
  const codePath = join(folder, 'workflows.cjs');
  expect(run('workers/bundle.ts', codePath)).toMatchObject({ status: 0 });
  const history: unknown = JSON.parse(readFileSync('test/replay/histories/backup-completed.json', 'utf8'));
  await Worker.runReplayHistory({ workflowBundle: { codePath } }, history);
});

test('wrong use is told, and nothing is started', () => {
  expect(run('workers/bundle.ts')).toMatchObject({ status: 2, stderr: expect.stringContaining('Name the file') });
  expect(run('workers/main.ts', '--bundel', 'x')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--bundle FILE'),
  });
});

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askCloud, eventually } from '../../support/qdrant-cloud.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { freePort } from '../../support/ports.ts';

const SCRIPT = join(process.cwd(), 'sandbox/qdrant-cloud/main.ts');
const ACCOUNT = '3d8e2f0a-5b1c-4d6e-8f7a-9b0c1d2e3f4a';
const CLUSTER = '6b1f4c2d-7e8a-4b9c-a0d1-e2f3a4b5c6d7';

let config: string;
let url: string;
let running: ChildProcess | undefined;
beforeEach(async () => {
  const folder = temporaryFolder('qdrant-cloud-process');
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  config = join(folder, 'config.json');
  await writeFile(
    config,
    JSON.stringify({
      port,
      data: join(folder, 'data'),
      accountId: ACCOUNT,
      keys: [{ key: 'a-key' }],
      clusters: [{ id: CLUSTER, name: 'textbook', url: `http://127.0.0.1:${await freePort()}` }],
    }),
  );
});
afterEach(() => end('SIGKILL'));

async function start(): Promise<void> {
  const child = spawn(process.execPath, [SCRIPT, '--config', config, '--die-with-parent'], { stdio: 'pipe' });
  running = child;
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()));
  await eventually(
    async () => said,
    (text) => {
      if (child.exitCode !== null) throw new Error(text);
      return text.includes('qdrant-cloud on');
    },
  );
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const child = running;
  running = undefined;
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

const schedules = async (): Promise<unknown[]> => {
  const asked = { method: 'GET', path: '/backup_schedules', key: 'a-key' };
  return (await askCloud({ url, accountId: ACCOUNT }, 'backup/v1', asked)).body['items'] as unknown[];
};

describe('the stand-in as a program', () => {
  test('remembers over a kill', async () => {
    await start();
    const backupSchedule = { accountId: ACCOUNT, clusterId: CLUSTER, schedule: '@daily', retentionPeriod: '86400s' };
    const asked = { method: 'POST', path: '/backup_schedules', body: { backupSchedule }, key: 'a-key' };
    await askCloud({ url, accountId: ACCOUNT }, 'backup/v1', asked);
    const before = await schedules();
    await end('SIGKILL');
    await start();
    expect(before).toHaveLength(1);
    expect(await schedules()).toEqual(before);
  });

  test('ends in good order when it is told, and when its input ends', async () => {
    for (const how of [() => running?.kill('SIGTERM'), () => running?.stdin?.end()]) {
      await start();
      const gone = once(running as ChildProcess, 'exit');
      how();
      expect(await gone).toEqual([0, null]);
    }
  });
});

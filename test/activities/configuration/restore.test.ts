import { beforeEach, describe, expect, test } from '@jest/globals';
import { readPlainFiles, restoreVariables } from '../../../activities/configuration/restore.ts';
import { configurationBackupSchema } from '../../../config/configuration.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { type KeyPair, keyPair, setStage, type Stage } from './stage.ts';

const ENV = 'DATABASE_URL=postgresql://app:hunter2-correct-horse@db/app\nMODEL=small\n';
let stage: Stage;
let ours: KeyPair;
beforeEach(async () => {
  stage = await setStage();
  ours = await keyPair();
});

const environment = (more: Record<string, string> = {}) => ({ PATH: process.env['PATH'], ...more });

async function setWith(references: object[] = [], given: Record<string, string> = {}): Promise<RecoverySet> {
  const envFiles = [await stage.write('.env', ENV)];
  const files = [await stage.write('Dockerfile', 'FROM scratch\nEXPOSE 8000\n')];
  const settings = { recipients: [ours.recipient], envFiles, files, references };
  return stage.withPart(await stage.capture(settings, environment(given)));
}

function restore(set: RecoverySet, source: object, given: Record<string, string> = {}) {
  const config = configurationBackupSchema.parse({ recipients: [ours.recipient], ...source });
  const run = { environment: environment(given), timeoutMs: 10_000 };
  return restoreVariables({ config, store: stage.store, run }, set);
}

describe('the variables of a new app server', () => {
  test('are those of the set, opened with the key that is here', async () => {
    const variables = await restore(await setWith(), { identity: ours.identity });
    expect([...variables.keys()].sort()).toEqual(['DATABASE_URL', 'MODEL']);
    expect(variables.get('DATABASE_URL')?.reveal()).toContain('hunter2');
    expect(JSON.stringify([...variables])).not.toContain('hunter2');
  });

  test('what is kept elsewhere is as it is today', async () => {
    const references = [
      { name: 'QDRANT_API_KEY', from: 'environment', where: 'KEY_OF_TODAY' },
      { name: 'MODEL', from: 'command', where: 'echo large' },
    ];
    const set = await setWith(references, { KEY_OF_TODAY: 'the-old-key' });
    const variables = await restore(set, { identity: ours.identity }, { KEY_OF_TODAY: 'the-new-key' });
    expect(variables.get('QDRANT_API_KEY')?.reveal()).toBe('the-new-key');
    expect(variables.get('MODEL')?.reveal()).toBe('large');
  });

  test('a key that is not here, a wrong one, and a reference that leads nowhere are named', async () => {
    const set = await setWith([{ name: 'TOKEN', from: 'environment', where: 'TOKEN' }], { TOKEN: 'secret' });
    await expect(restore(set, {})).rejects.toMatchObject({ code: 'CONFIGURATION_REFUSED' });
    const { identity } = await keyPair();
    await expect(restore(set, { identity })).rejects.toThrow(/encrypted for others/);
    await expect(restore(set, { identity: ours.identity })).rejects.toThrow('reference TOKEN: the variable TOKEN');
  });

  test('of a set without a configuration there are none', async () => {
    expect([...(await restore(stage.set, {}))]).toEqual([]);
    expect(await readPlainFiles(stage.store, stage.set)).toEqual([]);
  });

  test('files that are no secret are read as they are', async () => {
    const [file] = await readPlainFiles(stage.store, await setWith());
    expect(file).toMatchObject({ name: expect.stringMatching(/Dockerfile$/), text: expect.stringContaining('EXPOSE') });
  });
});

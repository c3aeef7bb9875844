import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../config/load.ts';
import { temporaryFolder } from '../support/folder.ts';

const required = { DR_ENVIRONMENT: 'test', EMBEDDINGS_URL: 'http://127.0.0.1:9/v1', EMBEDDINGS_MODEL: 'model' };
/** A public key of age whose private one nobody kept. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const DIGEST = `sha256:${'0'.repeat(64)}`;

function load(configuration?: object, env: Record<string, string> = {}): ReturnType<typeof loadConfig> {
  const cwd = temporaryFolder('configuration');
  if (configuration) writeFileSync(join(cwd, 'recovery.config.json'), JSON.stringify({ configuration }));
  return loadConfig({ env: { ...required, ...env }, cwd });
}

describe('the settings of the configuration’s backup', () => {
  test('are absent unless somebody gives them', async () => {
    expect((await load()).configuration).toBeUndefined();
  });

  test('name files that are meant from the file they stand in', async () => {
    const { configuration } = await load({
      recipients: [RECIPIENT],
      envFiles: ['app/.env', '/etc/app/.env'],
      files: ['Dockerfile'],
      release: { git: 'app' },
    });
    expect(configuration?.envFiles).toEqual([expect.stringMatching(/^\/.*\/app\/\.env$/), '/etc/app/.env']);
    expect(configuration?.files).toEqual([expect.stringMatching(/^\/.*\/Dockerfile$/)]);
    expect(configuration?.release?.git).toMatch(/^\/.*\/app$/);
  });

  test('may come from variables, and keep the identity hidden', async () => {
    const identity = 'AGE-SECRET-KEY-1NEVERSEEN';
    const { configuration } = await load(undefined, {
      CONFIGURATION_AGE_RECIPIENTS: `${RECIPIENT}, ${RECIPIENT}`,
      CONFIGURATION_AGE_IDENTITY: identity,
    });
    expect(configuration).toMatchObject({ recipients: [RECIPIENT, RECIPIENT], envFiles: [], timeoutSeconds: 30 });
    expect(inspect(configuration, { depth: null }) + JSON.stringify(configuration)).not.toContain(identity);
    expect(configuration?.identity?.reveal()).toBe(identity);
  });

  test.each([
    ['no recipient', { recipients: [] }, 'configuration.recipients (in recovery.config.json): must name at least one'],
    ['no list of recipients', {}, 'configuration.recipients is not set'],
    ['no public key', { recipients: ['ssh-ed25519 AAAA'] }, 'configuration.recipients.0'],
    ['two ways to the identity', { identityFile: '/k', identityCommand: 'pass age' }, 'in more than one way'],
    [
      'a relative file of a secret',
      { references: [{ name: 'A', from: 'file', where: 'a' }] },
      'must be an absolute path',
    ],
    ['two kinds of release', { release: { git: '.', image: 'app', digest: DIGEST } }, 'must name either git or image'],
    ['an image without a digest', { release: { image: 'app' } }, 'configuration.release.digest'],
  ])('are refused with %s', async (_what, given, message) => {
    const recipients = message.includes('recipients') ? {} : { recipients: [RECIPIENT] };
    await expect(load({ ...recipients, ...given })).rejects.toThrow(message);
  });

  test.each([
    [
      'configuration.identityFile',
      { CONFIGURATION_AGE_RECIPIENTS: RECIPIENT, CONFIGURATION_AGE_IDENTITY_FILE: 'store/key' },
    ],
    ['store.encryption.identityFile', { STORE_AGE_RECIPIENTS: RECIPIENT, STORE_AGE_IDENTITY_FILE: 'store/keys/key' }],
  ] as const)('are refused with %s inside the store, beside what it opens', async (setting, env) => {
    await expect(load(undefined, { STORE_DIRECTORY: 'store', ...env })).rejects.toThrow(
      `${setting}: lies in the folder of the store`,
    );
    await expect(load(undefined, { STORE_DIRECTORY: 'storehouse', ...env })).resolves.toBeDefined();
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { loadClientConfig } from '../../config/client.ts';
import { loadConfig } from '../../config/load.ts';
import { temporaryFolder } from '../support/folder.ts';

const required = { DR_ENVIRONMENT: 'test', EMBEDDINGS_URL: 'http://127.0.0.1:9/v1', EMBEDDINGS_MODEL: 'model' };
/** A public key of age whose private one nobody kept. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const load = (env: Record<string, string>, cwd = temporaryFolder('store-config')): ReturnType<typeof loadConfig> =>
  loadConfig({ env: { ...required, ...env }, cwd });

describe('the artifact store’s settings', () => {
  test('are a folder when nothing else is said', async () => {
    const cwd = temporaryFolder('store-config');
    expect((await load({}, cwd)).store).toEqual({ directory: join(cwd, 'recovery-store') });
  });

  test('are a bucket when one is named, and the command line reads the same', async () => {
    const env = {
      STORE_S3_BUCKET: 'the-bucket',
      STORE_S3_ENDPOINT: 'https://s3.example:9000',
      STORE_S3_FORCE_PATH_STYLE: 'true',
      STORE_S3_ACCESS_KEY_ID: 'the-key',
      STORE_S3_SECRET_ACCESS_KEY: 'the-secret',
    };
    const { store } = await load(env);
    expect(store.s3).toMatchObject({ bucket: 'the-bucket', forcePathStyle: true, checksums: 'always', prefix: '' });
    expect(inspect(store, { depth: null }) + JSON.stringify(store)).not.toMatch(/the-(key|secret)/);
    const client = await loadClientConfig({ env, cwd: temporaryFolder('store-config') });
    expect(client.store.s3?.secretAccessKey?.reveal()).toBe('the-secret');
  });

  test('may name several recipients and where the identity lies', async () => {
    const cwd = temporaryFolder('store-config');
    const env = { STORE_AGE_RECIPIENTS: `${RECIPIENT}, ${RECIPIENT}`, STORE_AGE_IDENTITY_FILE: 'identity.txt' };
    const { encryption } = (await load(env, cwd)).store;
    expect(encryption).toEqual({ recipients: [RECIPIENT, RECIPIENT], identityFile: join(cwd, 'identity.txt') });
  });

  test.each([
    [{ STORE_S3_REGION: 'eu-central-1' }, /store\.s3\.bucket is not set\. Set STORE_S3_BUCKET/],
    [
      { STORE_S3_BUCKET: 'the-bucket', STORE_S3_ACCESS_KEY_ID: 'k' },
      /secretAccessKey.* goes together with accessKeyId/,
    ],
    [{ STORE_S3_BUCKET: 'the-bucket', STORE_S3_FORCE_PATH_STYLE: 'maybe' }, /store\.s3\.forcePathStyle/],
    [{ STORE_S3_BUCKET: 'the-bucket', STORE_S3_PREFIX: '../up' }, /store\.s3\.prefix/],
    [
      { STORE_AGE_IDENTITY: 'AGE-SECRET-KEY-1X' },
      /store\.encryption\.recipients is not set\. Set STORE_AGE_RECIPIENTS/,
    ],
    [{ STORE_AGE_RECIPIENTS: ',' }, /store\.encryption\.recipients.* must name at least one public key of age/],
    [{ STORE_AGE_RECIPIENTS: `${RECIPIENT},AGE-SECRET-KEY-1X` }, /recipients\.1.* must be a public key of age/],
  ])('that do not fit are refused by name and without their value: %j', async (env, message) => {
    const error = await load(env as Record<string, string>).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'INVALID_CONFIGURATION', message: expect.stringMatching(message) });
    expect(String(error)).not.toContain('AGE-SECRET-KEY-1X');
  });

  test('refuse no recipients in the file as well', async () => {
    const cwd = temporaryFolder('store-config');
    writeFileSync(join(cwd, 'recovery.config.json'), JSON.stringify({ store: { encryption: { recipients: [] } } }));
    await expect(load({}, cwd)).rejects.toMatchObject({
      message: expect.stringContaining('store.encryption.recipients (in recovery.config.json): must name at least one'),
    });
  });
});

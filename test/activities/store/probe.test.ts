import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { probeStore } from '../../../activities/store/probe.ts';
import { storeConfigSchema } from '../../../config/store.ts';
import { storePartSchema } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { StrictS3 } from './strict-s3.ts';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

test('a folder is probed: what it enforces is said in sentences, and nothing of the probe stays', async () => {
  const directory = temporaryFolder('probe');
  const encryption = { recipients: [RECIPIENT, RECIPIENT] };
  const part = storePartSchema.parse(await probeStore(storeConfigSchema.parse({ directory, encryption })));
  expect(part.kind).toBe('disk');
  const by = Object.fromEntries(part.capabilities.map(({ name, ...seen }) => [name, seen]));
  expect(by).toEqual({
    'no-overwrite': { enforced: true, observed: expect.stringContaining('is refused by the file system') },
    flush: { enforced: true, observed: expect.stringContaining('flushed to the disk') },
    'read-only': { enforced: true, observed: expect.stringContaining('(0444)') },
    'free-space': { enforced: true, observed: expect.stringMatching(/^\d+ bytes are free$/) },
    versioning: { enforced: false, observed: expect.any(String) },
    lock: { enforced: false, observed: expect.any(String) },
    'round-trip': { enforced: true, observed: '266653 bytes came back as they went' },
    encryption: { enforced: true, observed: 'artifacts are encrypted with age for 2 recipients' },
  });
  expect(await readdir(directory)).toEqual([]);
});

describe('a bucket that enforces little', () => {
  let server: StrictS3;
  beforeEach(async () => {
    server = await new StrictS3().start();
  });
  afterEach(() => server.stop());
  const probe = async (): Promise<Record<string, { enforced: boolean; observed: string }>> => {
    const keys = { accessKeyId: 'key', secretAccessKey: 'secret' };
    const s3 = { bucket: 'the-bucket', endpoint: server.url, forcePathStyle: true, ...keys };
    const { capabilities } = await probeStore(storeConfigSchema.parse({ s3 }));
    return Object.fromEntries(capabilities.map(({ name, ...seen }) => [name, seen]));
  };

  test('is told to be so: it overwrites, and takes what is damaged', async () => {
    server.forgetful = true;
    const seen = await probe();
    expect(seen['no-overwrite']).toEqual({
      enforced: false,
      observed: 'the bucket overwrites: we look before we write, and two writers at the same moment could both win',
    });
    expect(seen['checksum']).toMatchObject({ enforced: false });
    expect(seen['lock']).toMatchObject({ enforced: false });
    expect(server.objects.size).toBe(0);
  });

  test('is told to be so: it does not know conditions at all', async () => {
    server.fault = ({ headers }) =>
      headers['if-none-match'] === '*' && headers['content-length'] === '6'
        ? { status: 501, code: 'NotImplemented' }
        : undefined;
    expect((await probe())['no-overwrite']).toMatchObject({
      enforced: false,
      observed: expect.stringContaining('does not know If-None-Match (501 NotImplemented)'),
    });
  });

  test('is not probed at all when it cannot be written', async () => {
    server.fault = ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : undefined);
    await expect(probe()).rejects.toMatchObject({ code: 'STORE_DENIED' });
  });
});

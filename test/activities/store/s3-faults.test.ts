import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createS3Store } from '../../../activities/store/s3.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { freePort } from '../../support/ports.ts';
import { s3Config } from '../../support/s3.ts';
import { collect, pieces } from '../../contracts/store/contract.ts';
import { type Asked, type Fault, StrictS3 } from './strict-s3.ts';

const MINUTE_MS = 60_000;
const SMALL = Buffer.from('a small artifact');
/** Three parts. */
const LARGE = randomBytes(40_000_000);

let server: StrictS3;
let store: ArtifactStore;
beforeEach(async () => {
  server = await new StrictS3().start();
  store = storeAt(server.url);
});
afterEach(() => server.stop());

function storeAt(endpoint: string, more: Record<string, unknown> = {}): ArtifactStore {
  return createS3Store(s3Config({ bucket: 'the-bucket', endpoint, ...more }));
}

const isPut = ({ method, name }: Asked): boolean => method === 'PUT' && name !== '';
const isComplete = ({ method, query }: Asked): boolean => method === 'POST' && query.has('uploadId');
const putSmall = (to = store): ReturnType<ArtifactStore['put']> => to.put('sets/x/index', pieces(SMALL, 5));
const putLarge = (): ReturnType<ArtifactStore['put']> => store.put('sets/x/snapshot', pieces(LARGE, 1 << 20));

const anHourAhead = (): Record<string, string> => ({ date: new Date(Date.now() - 60 * MINUTE_MS).toUTCString() });

describe('a bucket that refuses', () => {
  const table: [string, Fault & object, string, RegExp][] = [
    [
      'access',
      { status: 403, code: 'AccessDenied' },
      'STORE_DENIED',
      /Allow s3:PutObject and s3:ListBucket on bucket the-bucket/,
    ],
    [
      'an expired key',
      { status: 400, code: 'ExpiredToken' },
      'STORE_DENIED',
      /has expired\. Give the worker a new one/,
    ],
    ['an unknown key', { status: 403, code: 'InvalidAccessKeyId' }, 'STORE_DENIED', /Correct store\.s3\.accessKeyId/],
    [
      'a wrong secret',
      { status: 403, code: 'SignatureDoesNotMatch' },
      'STORE_DENIED',
      /Correct store\.s3\.secretAccessKey/,
    ],
    [
      'the clock',
      { status: 403, code: 'RequestTimeTooSkewed', headers: anHourAhead() },
      'STORE_DENIED',
      /clock of this machine is 60 minutes ahead of that of S3\. Set it \(NTP\)/,
    ],
    [
      'another region',
      { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-1' } },
      'STORE_REFUSED',
      /not in the region us-east-1\. Set store\.s3\.region to eu-central-1/,
    ],
    [
      'a signature for another region',
      { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>eu-west-3</Region>' },
      'STORE_REFUSED',
      /Set store\.s3\.region to eu-west-3/,
    ],
    [
      'the region for now, by a redirect',
      { status: 307, code: 'TemporaryRedirect', headers: { 'x-amz-bucket-region': 'ap-south-1' } },
      'STORE_REFUSED',
      /Set store\.s3\.region to ap-south-1/,
    ],
    [
      'more bytes, by its quota',
      { status: 403, code: 'QuotaExceeded' },
      'DISK_FULL',
      /no space is left in bucket the-bucket/,
    ],
    [
      'more bytes, for want of disks',
      { status: 507, code: 'XMinioStorageFull' },
      'DISK_FULL',
      /Raise its quota or free space/,
    ],
    [
      'what arrived damaged',
      { status: 400, code: 'BadDigest' },
      'STORE_REFUSED',
      /not what was sent .*store\.s3\.checksums/,
    ],
    [
      'conditions',
      { status: 501, code: 'NotImplemented' },
      'STORE_REFUSED',
      /set store\.s3\.conditionalWrites to false/,
    ],
    [
      'a second writer',
      { status: 409, code: 'ConditionalRequestConflict' },
      'STORE_UNREACHABLE',
      /somebody else was writing/,
    ],
    ['everybody for now', { status: 503, code: 'SlowDown' }, 'STORE_UNREACHABLE', /answers 503 \(SlowDown/],
  ];

  test.each(table)('%s is told by name, with what to do', async (_what, fault, code, message) => {
    server.fault = (asked) => (isPut(asked) ? fault : undefined);
    await expect(putSmall()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(server.objects.size).toBe(0);
  });

  test.each(table)('%s in the middle of many parts leaves no part behind', async (_what, fault, code) => {
    server.fault = (asked) => (asked.query.get('partNumber') === '2' ? fault : undefined);
    await expect(putLarge()).rejects.toMatchObject({ code });
    expect([server.objects.size, server.uploads.size]).toEqual([0, 0]);
  });

  test('says no to the first look already, where an answer without a body would say nothing', async () => {
    server.fault = () => ({ status: 400, code: 'ExpiredToken' });
    await expect(putSmall()).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('expired'),
    });
    expect(server.asked.some(isPut)).toBe(false);
  });

  test('one part stops the data: the rest is not read to the end for nothing', async () => {
    server.fault = (asked) => (asked.query.has('partNumber') ? { status: 403, code: 'AccessDenied' } : undefined);
    let given = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (; given < 100; given += 1) yield LARGE.subarray(0, 4_000_000);
    };
    await expect(store.put('sets/x/snapshot', endless())).rejects.toMatchObject({ code: 'STORE_DENIED' });
    expect(given).toBeLessThan(50);
  });
});

describe('a bucket that cannot be reached', () => {
  test('is named, with its address', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await expect(putSmall(storeAt(url))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(new RegExp(`${url} does not answer \\(.*ECONNREFUSED.*store\\.s3\\.endpoint`)),
    });
  });

  test('ends at its deadline when it never answers', async () => {
    server.fault = () => 'hang';
    await expect(putSmall(storeAt(server.url, { timeoutSeconds: 0.1 }))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('does not answer'),
    });
  });

  test('for a moment is asked again', async () => {
    let refusals = 2;
    server.fault = (asked) => (isPut(asked) && refusals-- > 0 ? { status: 503, code: 'SlowDown' } : undefined);
    const artifact = await putSmall();
    expect(await collect(store.open(artifact))).toEqual(SMALL);
  });
});

describe('an answer that is lost', () => {
  test.each([
    ['a small artifact', isPut, putSmall, SMALL],
    ['a large one', isComplete, putLarge, LARGE],
  ] as const)('of a put of %s is looked up: it was carried out', async (_what, which, put, bytes) => {
    server.fault = (asked) => (which(asked) ? 'lose' : undefined);
    const artifact = await put();
    expect(artifact.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(bytes.equals(await collect(store.open(artifact)))).toBe(true);
    expect(server.uploads.size).toBe(0);
  });

  test('of a put is not taken for ours when somebody else was faster', async () => {
    server.fault = (asked) => {
      if (!isPut(asked)) return undefined;
      server.objects.set(asked.name, { bytes: SMALL, metadata: { 'put-id': 'of somebody else' } });
      return undefined;
    };
    await expect(putSmall()).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('sets/x/index exists already'),
    });
  });

  test('of a put that was not carried out is a failure', async () => {
    server.fault = (asked) => {
      if (!isPut(asked)) return undefined;
      setImmediate(() => server.objects.clear());
      return 'lose';
    };
    await expect(putSmall()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });
});

describe('a bucket that does not know conditions', () => {
  test('is looked at first, so that nothing is replaced', async () => {
    const unconditional = storeAt(server.url, { conditionalWrites: false });
    await putSmall(unconditional);
    await expect(putSmall(unconditional)).rejects.toMatchObject({ message: expect.stringContaining('exists already') });
    expect(server.asked.filter(isPut)).toHaveLength(1);
    expect(server.asked.find(isPut)?.headers).not.toHaveProperty('if-none-match');
  });
});

describe('reading', () => {
  const isGet = ({ method, name }: Asked): boolean => method === 'GET' && name !== '';

  test('goes on where an answer broke off', async () => {
    const artifact = await putLarge();
    let breaks = 3;
    server.fault = (asked) => (isGet(asked) && breaks-- > 0 ? { breakAfter: 5_000_000 } : undefined);
    expect(LARGE.equals(await collect(store.open(artifact)))).toBe(true);
    const starts = server.asked.filter(isGet).map(({ headers }) => headers.range);
    expect(starts[0]).toBeUndefined();
    expect(starts.length).toBe(4);
  });

  test('goes on where an answer stood still for longer than the deadline', async () => {
    const artifact = await putLarge();
    let stalls = 1;
    server.fault = (asked) => (isGet(asked) && stalls-- > 0 ? { stallAfter: 5_000_000 } : undefined);
    const impatient = storeAt(server.url, { timeoutSeconds: 0.5 });
    expect(LARGE.equals(await collect(impatient.open(artifact)))).toBe(true);
    expect(server.asked.filter(isGet)).toHaveLength(2);
  });

  test('ends when an answer breaks off again and again without a byte', async () => {
    const artifact = await putSmall();
    server.fault = (asked) => (isGet(asked) ? { breakAfter: 0 } : undefined);
    await expect(collect(store.open(artifact))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('reading sets/x/index'),
    });
  });

  test('a small artifact that is denied is not taken for one that is absent', async () => {
    server.fault = (asked) => (isGet(asked) ? { status: 403, code: 'AccessDenied' } : undefined);
    await expect(store.readSmall('sets/x/manifest.json')).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('s3:GetObject'),
    });
  });
});

test('no failure tells a key', async () => {
  server.fault = () => ({ status: 403, code: 'SignatureDoesNotMatch' });
  const error = await putSmall().catch((thrown: unknown) => thrown);
  expect(JSON.stringify(error) + String(error)).not.toContain('test-secret-access-key');
});

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  HeadObjectCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createEncryptedStore, staysClear } from '../../../activities/store/encrypted.ts';
import { probeStore } from '../../../activities/store/probe.ts';
import { createS3Store } from '../../../activities/store/s3.ts';
import { Secret } from '../../../config/secret.ts';
import { type S3Config, storeConfigSchema } from '../../../config/store.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { newBucket, type S3Server, tamperWith } from '../../support/s3.ts';
import { collect, pieces, storeContract, type StoreUnderTest } from './contract.ts';

const DAYS = 1;

/** What a server is known to do, so that the probe's answers can be compared with the truth. */
export interface Known {
  readonly checksum: boolean;
  /** Whether it looks whether a key is taken and writes it in one step. */
  readonly oneStep: boolean;
}

/** The contract of an artifact store, and what only a bucket can be asked, on a server that one may do anything with. */
export function s3Contract(name: string, start: () => Promise<S3Server>, known: Known): void {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.stop());

  storeContract(`a bucket of ${name}`, async () => underTest(server, known, await newBucket(server)));
  storeContract(`a folder of a bucket of ${name}`, async () =>
    underTest(server, known, await newBucket(server, { prefix: 'backups/of-test' })),
  );

  storeContract(`an encrypted bucket of ${name}`, async () => {
    const plain = underTest(server, known, await newBucket(server));
    const identity = await generateX25519Identity();
    const recipients = [await identityToRecipient(identity)];
    return {
      ...plain,
      store: createEncryptedStore(plain.store, { recipients, identity: new Secret(identity) }),
      liesAs: (key) => (staysClear(key) ? key : `${key}.age`),
    };
  });

  describe(`a bucket of ${name}`, () => {
    const put = (store: ArtifactStore, key: string, text: string): ReturnType<ArtifactStore['put']> =>
      store.put(key, pieces(Buffer.from(text), 3));

    test('carries the hash and the number of the put with a small object, for people who look', async () => {
      const config = await newBucket(server);
      const artifact = await put(createS3Store(config), 'sets/x/index', 'content');
      const head = await server.client.send(new HeadObjectCommand({ Bucket: config.bucket, Key: 'sets/x/index' }));
      expect(head.Metadata).toEqual({ 'put-id': expect.any(String), sha256: artifact.sha256 });
    });

    test('of two stores of one bucket, a prefix keeps each to itself', async () => {
      const config = await newBucket(server, { prefix: 'one/' });
      const [one, two] = [createS3Store(config), createS3Store({ ...config, prefix: 'two' })];
      await put(one, 'key', 'of one');
      expect(await two.list('')).toEqual([]);
      await put(two, 'key', 'of two');
      expect(Buffer.from((await one.readSmall('key')) ?? []).toString()).toBe('of one');
      expect(await createS3Store({ ...config, prefix: '' }).list('')).toEqual(['one/key', 'two/key']);
    });

    test('lists more keys than fit on a page', async () => {
      const config = await newBucket(server);
      const store = createS3Store(config);
      const keys = Array.from({ length: 1_003 }, (_, at) => `many/${String(at).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(
          keys.slice(at, at + 50).map((key) => tamperWith(server.client, config, key, Buffer.from('x'))),
        );
      }
      expect(await store.list('many/')).toEqual(keys);
    });

    test('that keeps versions is emptied for good by remove, and one version that was hidden does not come back', async () => {
      const config = await newBucket(server);
      const Bucket = config.bucket;
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await server.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
      const store = createS3Store(config);
      await put(store, 'key', 'first');
      await tamperWith(server.client, config, 'key', Buffer.from('written over it'));
      await store.remove('key');
      const left = await server.client.send(new ListObjectVersionsCommand({ Bucket }));
      expect(left.Versions ?? []).toEqual([]);
      expect(await store.readSmall('key')).toBeUndefined();
    });

    test('that keeps versions tells of an artifact that somebody hid that it can be brought back', async () => {
      const config = await newBucket(server);
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await server.client.send(new PutBucketVersioningCommand({ Bucket: config.bucket, VersioningConfiguration }));
      const store = createS3Store(config);
      const artifact = await put(store, 'sets/x/index', 'content');
      await tamperWith(server.client, config, 'sets/x/index', undefined);
      await expect(collect(store.open(artifact))).rejects.toMatchObject({
        code: 'SET_TAMPERED',
        message: expect.stringMatching(/sets\/x\/index is missing: a delete marker hides an earlier version/),
      });
    });

    test('that locks what is put refuses to remove it, naming the lock, and gives it back', async () => {
      const config = await lockedBucket(server);
      const store = createS3Store(config);
      const artifact = await put(store, 'sets/x/index', 'content');
      await expect(store.remove('sets/x/index')).rejects.toMatchObject({
        code: 'STORE_LOCKED',
        message: expect.stringMatching(/sets\/x\/index: the bucket keeps it \((COMPLIANCE until 20|Object Lock)/),
      });
      expect((await collect(store.open(artifact))).toString()).toBe('content');
    });

    test('is probed: what it enforces is said, and nothing of the probe stays', async () => {
      const config = await newBucket(server);
      const { kind, capabilities } = await probeStore(storeConfigSchema.parse({ s3: settingsOf(config) }));
      expect(kind).toBe('s3');
      expect(Object.fromEntries(capabilities.map(({ name: what, enforced }) => [what, enforced]))).toEqual({
        'no-overwrite': true,
        checksum: known.checksum,
        versioning: false,
        lock: false,
        'round-trip': true,
        encryption: false,
      });
      expect(capabilities[0]?.observed).toBe('overwriting is refused by the bucket (412)');
      expect(await createS3Store(config).list('')).toEqual([]);
    });

    test('that locks and keeps versions is probed as such, and the locked objects of the probe stay', async () => {
      const config = await lockedBucket(server);
      const { capabilities } = await probeStore(storeConfigSchema.parse({ s3: settingsOf(config) }));
      const lock = capabilities.find(({ name: what }) => what === 'lock');
      expect(lock).toMatchObject({
        enforced: true,
        observed: 'removing is refused by the bucket (COMPLIANCE for 1 days)',
      });
      expect(capabilities).toContainEqual(expect.objectContaining({ name: 'versioning', enforced: true }));
      expect((await createS3Store(config).list('probe-')).length).toBeGreaterThan(0);
    });

    test('loses the uploads in parts that a writer began and never ended', async () => {
      const config = await newBucket(server);
      const begin = (Key: string) =>
        server.client.send(new CreateMultipartUploadCommand({ Bucket: config.bucket, Key: `${config.prefix}${Key}` }));
      await begin('sets/a/dump');
      await begin('sets/b/dump');
      await createS3Store(config).tidy('sets/a');
      expect(await underTest(server, known, config).leftovers?.()).toEqual([`${config.prefix}sets/b/dump`]);
    });

    test('that is not there is named, by every operation', async () => {
      const config = await newBucket(server);
      const store = createS3Store({ ...config, bucket: 'no-such-bucket' });
      const refusal = { code: 'STORE_REFUSED', message: expect.stringMatching(/no bucket no-such-bucket at http:/) };
      await expect(put(store, 'key', 'x')).rejects.toMatchObject(refusal);
      await expect(store.list('')).rejects.toMatchObject(refusal);
      await expect(store.readSmall('key')).rejects.toMatchObject(refusal);
      await expect(collect(store.open({ key: 'key', bytes: 1, sha256: '0'.repeat(64) }))).rejects.toMatchObject(
        refusal,
      );
    });
  });
}

function underTest(server: S3Server, { oneStep }: Known, config: S3Config): StoreUnderTest {
  const { bucket: Bucket } = config;
  return {
    store: createS3Store(config),
    tamper: (key, bytes) => tamperWith(server.client, config, key, bytes),
    leftovers: async () => {
      const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket }));
      return Uploads.map(({ Key }) => Key ?? '');
    },
    mayTellBothThatTheyWon: !oneStep,
    close: () => Promise.resolve(),
  };
}

async function lockedBucket(server: S3Server): Promise<S3Config> {
  const config = await newBucket(server, { lock: true });
  await server.client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: config.bucket,
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: DAYS } },
      },
    }),
  );
  return config;
}

/** The settings as somebody would write them. */
function settingsOf({
  accessKeyId,
  secretAccessKey,
  sessionToken: _none,
  ...config
}: S3Config): Record<string, unknown> {
  return { ...config, accessKeyId: accessKeyId?.reveal(), secretAccessKey: secretAccessKey?.reveal() };
}

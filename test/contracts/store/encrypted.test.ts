import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { decryptAge, encryptAge } from '../../../activities/store/age.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { createEncryptedStore, staysClear } from '../../../activities/store/encrypted.ts';
import { Secret } from '../../../config/secret.ts';
import type { EncryptionConfig } from '../../../config/store.ts';
import { type Artifact, type ArtifactStore, contentOf, keyOfContent } from '../../../domain/artifacts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { collect, pieces, storeContract } from './contract.ts';

interface Pair {
  readonly identity: string;
  readonly recipient: string;
}
let ours: Pair;
let escrow: Pair;
let stranger: Pair;

async function newPair(): Promise<Pair> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

beforeAll(async () => {
  [ours, escrow, stranger] = [await newPair(), await newPair(), await newPair()];
});

const settings = (more: Partial<EncryptionConfig> = {}): EncryptionConfig => ({
  recipients: [ours.recipient, escrow.recipient],
  identity: new Secret(ours.identity),
  ...more,
});

async function change(directory: string, key: string, bytes: Uint8Array | undefined): Promise<void> {
  const path = join(directory, key);
  await chmod(path, 0o644);
  await (bytes === undefined ? rm(path) : writeFile(path, bytes));
}

storeContract('an encrypted folder', async () => {
  const directory = temporaryFolder('sealed');
  return {
    store: createEncryptedStore(createDiskStore(directory), settings()),
    liesAs: (key) => (staysClear(key) ? key : `${key}.age`),
    tamper: (key, bytes) => change(directory, key, bytes),
    close: () => rm(directory, { recursive: true }),
  };
});

describe('an encrypted store', () => {
  const content = Buffer.from('a chat turn that nobody else should read');
  let directory: string;
  let store: ArtifactStore;
  let artifact: Artifact;
  const reading = (encryption: EncryptionConfig | undefined): Promise<Buffer> =>
    collect(createEncryptedStore(createDiskStore(directory), encryption).open(artifact));
  beforeEach(async () => {
    directory = temporaryFolder('sealed');
    store = createEncryptedStore(createDiskStore(directory), settings());
    artifact = await store.put('sets/x/dump', pieces(content, 7));
  });

  test('says what lies there and what it holds, and shows nothing of it', async () => {
    const lies = await readFile(join(directory, 'sets/x/dump.age'));
    expect(artifact).toEqual({
      key: 'sets/x/dump.age',
      bytes: lies.length,
      sha256: createHash('sha256').update(lies).digest('hex'),
      plain: { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') },
    });
    expect(keyOfContent(artifact)).toBe('sets/x/dump');
    expect(lies.includes('chat turn')).toBe(false);
    expect(lies.toString('latin1')).toMatch(/^age-encryption\.org\/v1\n/);
  });

  test('opens for each of the recipients alone', async () => {
    for (const { identity } of [ours, escrow]) {
      expect(await reading(settings({ identity: new Secret(identity) }))).toEqual(content);
    }
  });

  test('reads the identities of a file as age-keygen writes it, once it is there', async () => {
    const identityFile = join(directory, 'identity.txt');
    const late = createEncryptedStore(createDiskStore(directory), { recipients: [ours.recipient], identityFile });
    await expect(collect(late.open(artifact))).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining(`${identityFile} is not there`),
    });
    await writeFile(identityFile, `# created: today\n# public key: x\n${stranger.identity}\n${escrow.identity}\n`);
    expect(await collect(late.open(artifact))).toEqual(content);
  });

  test.each([
    ['no settings at all', () => undefined, /sets\/x\/dump\.age is encrypted, and no identity is configured/],
    ['no identity', () => ({ recipients: [ours.recipient] }), /no identity is configured\. Set .*identityFile/],
    ['the identity of a stranger', () => settings({ identity: new Secret(stranger.identity) }), /encrypted for others/],
    [
      'something that is no identity',
      () => settings({ identity: new Secret('AGE-SECRET-KEY-1MISTYPED') }),
      /no identity of age/,
    ],
  ])('is refused by name with %s, and no key is told', async (_what, encryption, message) => {
    const error = await reading(encryption()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_DENIED', message: expect.stringMatching(message) });
    expect(String(error)).not.toMatch(/AGE-SECRET-KEY-1[A-Z0-9]/);
  });

  test.each([
    ['cut after a whole piece', (lies: Buffer) => lies.subarray(0, -1)],
    ['cut within its header', (lies: Buffer) => lies.subarray(0, 60)],
    ['no file of age', (lies: Buffer) => Buffer.alloc(lies.length, 'x')],
    [
      'changed in its last byte',
      (lies: Buffer) => Buffer.concat([lies.subarray(0, -1), Buffer.from([(lies.at(-1) ?? 0) ^ 1])]),
    ],
  ])('finds an artifact that is %s, even when its reference was made to fit', async (_how, damage) => {
    const lies = damage(await readFile(join(directory, artifact.key)));
    await change(directory, artifact.key, lies);
    const forged = { ...artifact, bytes: lies.length, sha256: createHash('sha256').update(lies).digest('hex') };
    await expect(collect(store.open(forged))).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringContaining('sets/x/dump.age'),
    });
  });

  test('compares what comes out with what went in', async () => {
    const other = { ...artifact, plain: { ...contentOf(artifact), sha256: '0'.repeat(64) } };
    await expect(collect(store.open(other))).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: expect.stringContaining('when decrypted'),
    });
  });

  test('reads what was written before encryption was turned on', async () => {
    const clear = await createDiskStore(directory).put('sets/old/dump', pieces(content, 7));
    expect(await collect(store.open(clear))).toEqual(content);
    expect(Buffer.from((await store.readSmall('sets/old/dump')) ?? [])).toEqual(content);
  });

  test('leaves in clear what sets are listed and checked by, and the reports', async () => {
    const clear = [
      'sets/set-1/manifest.json',
      'sets/set-1/SHA256SUMS',
      'sets/set-1/verifications/20261125T000000Z-ab.json',
      'runs/backup/0191/report-1.json',
    ];
    for (const key of clear) expect(await store.put(key, pieces(content, 7))).not.toHaveProperty('plain');
    const keyless = createEncryptedStore(createDiskStore(directory), { recipients: [ours.recipient] });
    for (const key of clear) expect(Buffer.from((await keyless.readSmall(key)) ?? [])).toEqual(content);
    expect(await keyless.list('')).toEqual([...clear, 'sets/x/dump.age'].sort());
  });

  test('reads a small one by either name, and says when it cannot', async () => {
    expect(Buffer.from((await store.readSmall('sets/x/dump')) ?? [])).toEqual(content);
    expect(Buffer.from((await store.readSmall('sets/x/dump.age')) ?? [])).toEqual(content);
    expect(await store.readSmall('sets/x/nothing')).toBeUndefined();
    const keyless = createEncryptedStore(createDiskStore(directory), undefined);
    await expect(keyless.readSmall('sets/x/dump')).rejects.toMatchObject({ code: 'STORE_DENIED' });
    await store.remove('sets/x/dump');
    expect(await store.list('')).toEqual([]);
  });

  test.each([
    ['none', []],
    ['one with a wrong letter', ['age1' + 'q'.repeat(58)]],
    ['one cut off', ['age1qqqq']],
    ['an identity', ['AGE-SECRET-KEY-1QQQ']],
  ])('is not made for recipients of which there is %s', (_what, recipients) => {
    expect(() => createEncryptedStore(createDiskStore(directory), { recipients })).toThrow(
      expect.objectContaining({
        code: 'INVALID_CONFIGURATION',
        message: expect.stringContaining('store.encryption.recipients'),
      }),
    );
  });
});

describe('files of age', () => {
  const CHUNK = 65_536;
  const sizes = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17];

  test.each(sizes)('of %d bytes are opened by the library, and those of the library by us', async (size) => {
    const bytes = randomBytes(size);
    const decrypter = new Decrypter();
    decrypter.addIdentity(escrow.identity);
    const sealed = await collect(encryptAge([ours.recipient, escrow.recipient], pieces(bytes, 10_007)));
    expect(bytes.equals(await decrypter.decrypt(sealed))).toBe(true);
    const encrypter = new Encrypter();
    encrypter.addRecipient(ours.recipient);
    const theirs = Buffer.from(await encrypter.encrypt(bytes));
    for (const step of [1_000, CHUNK, 10 * CHUNK]) {
      expect(bytes.equals(await collect(decryptAge([stranger.identity, ours.identity], pieces(theirs, step))))).toBe(
        true,
      );
    }
  });

  test('that lost whole chunks at the end are refused', async () => {
    const sealed = await collect(encryptAge([ours.recipient], pieces(randomBytes(3 * CHUNK), CHUNK)));
    const short = sealed.subarray(0, sealed.length - CHUNK - 16);
    await expect(collect(decryptAge([ours.identity], pieces(short, 9_999)))).rejects.toThrow(/cut short/);
  });

  const age = spawnSync('age', ['--version'], { encoding: 'utf8' });
  const title = 'are opened by a stock age, and the other way round';
  if (age.status !== 0) test.skip(`${title} (skipped: there is no age on PATH; apt-get install age)`, () => undefined);
  else
    test(title, async () => {
      const folder = temporaryFolder('age');
      const [identity, sealed] = [join(folder, 'identity.txt'), join(folder, 'sealed.age')];
      const bytes = randomBytes(2 * CHUNK + 5);
      await writeFile(identity, `${escrow.identity}\n`);
      await writeFile(sealed, await collect(encryptAge([ours.recipient, escrow.recipient], pieces(bytes, 1_234))));
      expect(bytes.equals(spawnSync('age', ['--decrypt', '-i', identity, sealed]).stdout)).toBe(true);
      const theirs = spawnSync('age', ['--encrypt', '-r', ours.recipient], { input: bytes }).stdout;
      expect(bytes.equals(await collect(decryptAge([ours.identity], pieces(theirs, 50_000))))).toBe(true);
    });
});

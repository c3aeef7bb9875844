import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { decryptConfiguration } from '../../../activities/configuration/decrypt.ts';
import { Secret } from '../../../config/secret.ts';
import type { ConfigurationPart } from '../../../domain/set-parts.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { putText } from '../../support/recovery-set.ts';
import { type KeyPair, keyPair, setStage, type Stage } from './stage.ts';

let stage: Stage;
let ours: KeyPair;
let escrow: KeyPair;
let config: { envFiles: string[]; recipients: string[] };
let part: ConfigurationPart;
beforeEach(async () => {
  stage = await setStage();
  [ours, escrow] = [await keyPair(), await keyPair()];
  const envFiles = [await stage.write('.env', 'TOKEN=hunter2-correct-horse\nURL=https://x.example\n')];
  config = { envFiles, recipients: [ours.recipient, escrow.recipient] };
  part = await stage.capture(config);
});

const check = (more: object = {}, captured: ConfigurationPart = part): Promise<Gate[]> =>
  stage.run({ ...config, ...more }, (act) => act.checkKeyCanary({ set: stage.withPart(captured) }));
const verdicts = (gates: Gate[]): string[] => gates.map(({ name, verdict }) => `${name}: ${verdict}`);
const ALL_PASS = ['configuration recipients: pass', 'configuration key: pass', 'configuration variables: pass'];
const observed = (gates: Gate[], name: string): string => gates.find((gate) => gate.name === name)?.observed ?? '';

describe('the key canary', () => {
  test('opens with the escrowed identity, however it is fetched, and tells whose key it was', async () => {
    const identityFile = await stage.write('escrow/key.txt', `# created: today\n# public key: x\n${escrow.identity}\n`);
    for (const way of [
      { identity: escrow.identity },
      { identityFile },
      { identityCommand: `grep -v '^#' ${identityFile}` },
    ]) {
      const gates = await check(way);
      expect(verdicts(gates)).toEqual(ALL_PASS);
      expect(observed(gates, 'configuration key')).toBe(`opened by the key of ${escrow.recipient}`);
      expect(JSON.stringify(gates)).not.toMatch(/hunter2|AGE-SECRET-KEY/);
    }
  });

  test.each([
    ['none is configured', () => ({}), 'no identity is configured here'],
    ['its file is kept elsewhere', () => ({ identityFile: '/nowhere/key.txt' }), 'cannot be read (ENOENT)'],
    ['its command fails', () => ({ identityCommand: 'exit 7' }), 'the command ended with exit code 7'],
  ])('proves nothing when %s', async (_what, way, sentence) => {
    const gates = await check(way());
    expect(verdicts(gates).slice(1)).toEqual(['configuration key: unproven', 'configuration variables: unproven']);
    expect(observed(gates, 'configuration key')).toContain(sentence);
  });

  test('does not open with the key of somebody else, nor with what is no key', async () => {
    const gates = await check({ identity: (await keyPair()).identity });
    expect(verdicts(gates).slice(1)).toEqual(['configuration key: fail', 'configuration variables: fail']);
    expect(observed(gates, 'configuration key')).toMatch(/key-canary\.age was encrypted for others/);
    const wrong = await check({ identity: ours.identity.slice(0, -6) });
    expect(verdicts(wrong)[1]).toBe('configuration key: fail');
    expect(observed(wrong, 'configuration key')).toMatch(/^configuration\.identity holds no private key of age/);
    expect(JSON.stringify(wrong)).not.toContain('AGE-SECRET-KEY-1Q');
  });

  test('of another set does not pass for this one’s', async () => {
    const other = await stage.run(config, (act) => act.captureConfiguration({ folder: 'sets/other' }));
    const gates = await check({ identity: ours.identity }, { ...part, keyCanary: other.keyCanary });
    expect(observed(gates, 'configuration key')).toBe('it opens, and holds another text');
  });

  test('that is not there fails', async () => {
    const { keyCanary: _, ...without } = part;
    expect(verdicts(await check({ identity: ours.identity }, without))[1]).toBe('configuration key: fail');
  });
});

describe('the encrypted files', () => {
  test('must hold the variables of the manifest, and no others', async () => {
    const gates = await check({ identity: ours.identity }, { ...part, variables: ['TOKEN', 'GONE'] });
    expect(gates[2]).toMatchObject({
      verdict: 'fail',
      observed: 'not in the files: GONE; not in the manifest: URL',
    });
  });

  test('are found and named when a single bit of one is turned', async () => {
    const artifact = part.files[0]?.artifact;
    const path = join(stage.directory, artifact?.key ?? '');
    const bytes = await readFile(path);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    await chmod(path, 0o644);
    await writeFile(path, bytes);
    const gates = await check({ identity: ours.identity });
    expect(verdicts(gates)).toEqual([...ALL_PASS.slice(0, 2), 'configuration variables: fail']);
    expect(observed(gates, 'configuration variables')).toContain(artifact?.key);
  });

  test('are found and named when the manifest was made to fit the turned bit', async () => {
    const [file] = part.files;
    if (!file) throw new Error('no file was captured');
    const bytes = await readFile(join(stage.directory, file.artifact.key));
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    const forged = await stage.store.put(`${stage.folder}/configuration/forged.age`, only(bytes));
    const captured = { ...part, files: [{ ...file, artifact: forged }] };
    const opened = decryptConfiguration({ store: stage.store, identities: [new Secret(ours.identity)] }, captured);
    await expect(opened).rejects.toMatchObject({
      code: 'SET_TAMPERED',
      message: `artifact ${forged.key} does not decrypt: it was changed or cut short`,
    });
    expect(observed(await check({ identity: ours.identity }, captured), 'configuration variables')).toContain(
      forged.key,
    );
  });

  test('that are no files of age at all are named', async () => {
    const [file] = part.files;
    if (!file) throw new Error('no file was captured');
    const artifact = await putText(stage.store, `${stage.folder}/configuration/clear.age`, 'TOKEN=1\n');
    const gates = await check({ identity: ours.identity }, { ...part, files: [{ ...file, artifact }] });
    expect(observed(gates, 'configuration variables')).toContain('clear.age does not decrypt');
  });
});

test('a single recipient is a warning and no failure', async () => {
  const captured = await stage.capture({ ...config, recipients: [ours.recipient] });
  const gates = await check({ identity: ours.identity }, captured);
  expect(verdicts(gates)).toEqual(ALL_PASS);
  expect(observed(gates, 'configuration recipients')).toMatch(/^one recipient, age1.*WARNING: whoever loses that key/);
});

test('a set without configuration has no gates, and a stack without configuration can still check an older set', async () => {
  expect(await stage.run(config, (act) => act.checkKeyCanary({ set: stage.set }))).toEqual([]);
  const gates = await stage.run(undefined, (act) => act.checkKeyCanary({ set: stage.withPart(part) }));
  expect(verdicts(gates)[1]).toBe('configuration key: unproven');
  await expect(stage.run(undefined, (act) => act.captureConfiguration({ folder: stage.folder }))).rejects.toMatchObject(
    {
      type: 'INVALID_CONFIGURATION',
    },
  );
});

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

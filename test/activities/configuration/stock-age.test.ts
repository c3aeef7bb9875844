import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { decryptConfiguration } from '../../../activities/configuration/decrypt.ts';
import { Secret } from '../../../config/secret.ts';
import { keyPair, setStage } from './stage.ts';

/** The `age` of the system (Debian: `apt install age`), or the one that AGE_BINARY names. */
const age = [process.env['AGE_BINARY'], 'age'].find(
  (name) => name !== undefined && spawnSync(name, ['--version']).status === 0,
);
const title = (what: string): string =>
  age === undefined ? `${what} (skipped: no age on PATH or in AGE_BINARY)` : what;
const withAge = age === undefined ? test.skip : test;
const ENV = 'TOKEN=hunter2\nNAME="of\nlines"\n';

withAge(title('a stock age opens what was captured, with the key of each recipient'), async () => {
  const stage = await setStage();
  const pairs = [await keyPair(), await keyPair()];
  const envFiles = [await stage.write('.env', ENV)];
  const part = await stage.capture({ envFiles, recipients: pairs.map(({ recipient }) => recipient) });
  for (const { identity } of pairs) {
    const key = await stage.write('key.txt', `${identity}\n`);
    const open = (artifactKey = ''): string =>
      execFileSync(age ?? '', ['--decrypt', '--identity', key, join(stage.directory, artifactKey)], {
        encoding: 'utf8',
      });
    expect(open(part.files[0]?.artifact.key)).toBe(ENV);
    expect(open(part.keyCanary?.key)).toContain(stage.folder);
  }
});

withAge(title('what a stock age encrypted is opened'), async () => {
  const stage = await setStage();
  const { identity, recipient } = await keyPair();
  const sealed = execFileSync(age ?? '', ['--recipient', recipient], { input: ENV });
  const artifact = await stage.store.put('sets/x/configuration/env.age', Readable.from([sealed]));
  const files = [{ name: '.env', kind: 'env' as const, artifact }];
  const opened = await decryptConfiguration({ store: stage.store, identities: [new Secret(identity)] }, { files });
  expect(opened.files.get('.env')?.reveal()).toBe(ENV);
});

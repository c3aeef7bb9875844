import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, readFile, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { captureConfiguration } from '../../../activities/configuration/capture.ts';
import { decryptConfiguration } from '../../../activities/configuration/decrypt.ts';
import { createConfigurationActivities } from '../../../activities/configuration/index.ts';
import { createEncryptedStore } from '../../../activities/store/encrypted.ts';
import { configurationBackupSchema } from '../../../config/configuration.ts';
import { Secret } from '../../../config/secret.ts';
import { configurationPartSchema } from '../../../domain/set-parts.ts';
import { eventually } from '../../support/qdrant-cloud.ts';
import { type KeyPair, keyPair, setStage, type Stage } from './stage.ts';

const ENV = `# the app's own
DATABASE_URL=postgresql://app:hunter2-correct-horse@db.example/app
export OPENAI_API_KEY='sk-never-to-be-seen-in-clear'
GREETING="several
lines = here"
EMPTY=
`;
/** A user that owns nothing. */
const NOBODY = 65_534;
const VALUES = ['hunter2-correct-horse', 'sk-never-to-be-seen-in-clear', 'lines = here'];
const COMPOSE = `services:
  app:
    image: app
    environment:
      DATABASE_URL: postgresql://app:\${DB_PASSWORD}@db/app
      POSTGRES_PASSWORD: \${DB_PASSWORD:?must be set}
      POSTGRES_PASSWORD_FILE: /run/secrets/db
      MAX_TOKENS: 512
    secrets: [db]
`;
const DOCKERFILE =
  'FROM python:3.13-slim\nARG NPM_TOKEN\nENV PORT=8000 API_KEY=""\nRUN --mount=type=secret,id=api_key true\n';

let stage: Stage;
let ours: KeyPair;
let escrow: KeyPair;
beforeEach(async () => {
  stage = await setStage();
  [ours, escrow] = [await keyPair(), await keyPair()];
});

const recipients = (): string[] => [ours.recipient, escrow.recipient];
const writtenKeys = (): Promise<string[]> => stage.store.list(`${stage.folder}/configuration/`);
/** The same in a process of its own, which says `writing` in the middle of an artifact and hangs there. */
function captureElsewhere(
  config: object,
  { hangAtPut = 0, uid }: { hangAtPut?: number; uid?: number },
): ChildProcessWithoutNullStreams {
  const module = (path: string): string => JSON.stringify(pathToFileURL(resolve(path)).href);
  const script = `
    import { captureConfiguration } from ${module('activities/configuration/capture.ts')};
    import { createDiskStore } from ${module('activities/store/disk.ts')};
    import { configurationBackupSchema } from ${module('config/configuration.ts')};
    const disk = createDiskStore(${JSON.stringify(stage.directory)});
    const hang = async function* (data) {
      yield* data;
      console.log('writing');
      await new Promise((resolve) => setTimeout(resolve, 1e6));
    };
    let puts = 0;
    const store = { put: (key, data) => disk.put(key, ++puts === ${hangAtPut} ? hang(data) : data) };
    const config = configurationBackupSchema.parse(${JSON.stringify(config)});
    const run = { environment: {}, timeoutMs: 1000 };
    await captureConfiguration({ config, store, run }, ${JSON.stringify(stage.folder)}).then(
      () => console.log('captured'),
      (error) => console.log(error.message),
    );`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], uid === undefined ? {} : { uid });
}

/** What a refused capture says. Nothing may have been written, and no value said. */
async function refusal(config: object, environment?: Record<string, string | undefined>): Promise<Error> {
  const error = await stage.capture(config, environment).then(
    () => new Error('it was captured'),
    (thrown: unknown) => thrown as Error,
  );
  expect(await writtenKeys()).toEqual([]);
  for (const value of VALUES) expect(JSON.stringify([error.message, error])).not.toContain(value);
  return error;
}

describe('what is captured', () => {
  test('comes back byte for byte with the key of any one recipient, as secrets that do not print', async () => {
    const envFiles = [await stage.write('.env', ENV)];
    const part = await stage.capture({ envFiles, recipients: recipients() });
    for (const { identity } of [ours, escrow]) {
      const opened = await decryptConfiguration({ store: stage.store, identities: [new Secret(identity)] }, part);
      expect(opened.files.get('.env')?.reveal()).toBe(ENV);
      expect([...opened.variables].map(([name, value]) => [name, value.reveal()])).toEqual([
        ['DATABASE_URL', 'postgresql://app:hunter2-correct-horse@db.example/app'],
        ['EMPTY', ''],
        ['GREETING', 'several\nlines = here'],
        ['OPENAI_API_KEY', 'sk-never-to-be-seen-in-clear'],
      ]);
      expect(JSON.stringify([...opened.variables])).not.toContain('hunter2');
    }
  });

  test('is told by names alone: no value stands in the manifest or anywhere in the store', async () => {
    const envFiles = [await stage.write('.env', ENV)];
    const files = [await stage.write('Dockerfile', DOCKERFILE), await stage.write('docker-compose.yml', COMPOSE)];
    const part = await stage.capture({ envFiles, files, recipients: recipients() });
    expect(configurationPartSchema.parse(JSON.parse(JSON.stringify(part)))).toEqual(part);
    expect(part.variables).toEqual(['DATABASE_URL', 'EMPTY', 'GREETING', 'OPENAI_API_KEY']);
    expect(part.files.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'env .env',
      'file Dockerfile',
      'file docker-compose.yml',
    ]);
    const keys = await writtenKeys();
    expect(keys).toHaveLength(4);
    const lies = await Promise.all(keys.map((key) => readFile(join(stage.directory, key), 'latin1')));
    for (const value of VALUES) expect([JSON.stringify(part), ...lies].join('\n')).not.toContain(value);
    expect(lies.filter((text) => text.startsWith('age-encryption.org/v1\n'))).toHaveLength(2);
    expect(lies).toContain(COMPOSE);
  });

  test('keeps files of the same name apart', async () => {
    const envFiles = [await stage.write('backend/.env', 'A=1\n'), await stage.write('frontend/.env', 'A=2\nB=3\n')];
    const part = await stage.capture({ envFiles, recipients: recipients() });
    expect(part.files.map(({ name }) => name)).toEqual(['backend/.env', 'frontend/.env']);
    const identities = [new Secret(ours.identity)];
    const { files, variables } = await decryptConfiguration({ store: stage.store, identities }, part);
    expect([files.get('backend/.env')?.reveal(), variables.get('A')?.reveal()]).toEqual(['A=1\n', '2']);
  });

  test('is encrypted once more by a store that encrypts, and opens all the same', async () => {
    const storeKey = await keyPair();
    const encryption = { recipients: [storeKey.recipient], identity: new Secret(storeKey.identity) };
    const store = createEncryptedStore(stage.store, encryption);
    const envFiles = [await stage.write('.env', ENV)];
    const config = configurationBackupSchema.parse({ envFiles, recipients: recipients() });
    const part = await stage.run(undefined, () =>
      createConfigurationActivities({ config, store, environment: {} }).captureConfiguration({ folder: stage.folder }),
    );
    const { files } = await decryptConfiguration({ store, identities: [new Secret(escrow.identity)] }, part);
    expect(files.get('.env')?.reveal()).toBe(ENV);
  });

  test('a worker that dies while writing leaves nothing in the way of the next attempt, and nothing in clear', async () => {
    const envFiles = [await stage.write('.env', ENV), await stage.write('.env.local', 'B=hunter2-correct-horse\n')];
    const dying = captureElsewhere({ envFiles, recipients: recipients() }, { hangAtPut: 2 });
    await once(dying.stdout, 'data');
    dying.kill('SIGKILL');
    await once(dying, 'exit');
    expect(await writtenKeys()).toHaveLength(1);
    const part = await stage.capture({ envFiles, recipients: recipients() });
    const left = await writtenKeys();
    expect(left).toHaveLength(4);
    for (const key of left) expect(await readFile(join(stage.directory, key), 'latin1')).not.toContain('hunter2');
    const opened = await decryptConfiguration({ store: stage.store, identities: [new Secret(ours.identity)] }, part);
    expect(opened.files.size).toBe(2);
  });
});

describe('the key that opens a set', () => {
  test.each([
    ['an env file', 'envFiles', (key: string) => `A=1\nAGE=${key}\n`],
    ['an env file in lower case', 'envFiles', (key: string) => `AGE="${key.toLowerCase()}"\n`],
    ['a file in clear', 'files', (key: string) => `FROM scratch\n# ${key}\n`],
  ])(
    'is refused in %s, naming the file, the recipient and what to do, and not the key',
    async (_what, setting, text) => {
      const path = await stage.write('captured', text(escrow.identity));
      const error = await refusal({ [setting]: [path], recipients: recipients() });
      expect(error).toMatchObject({
        type: 'CONFIGURATION_REFUSED',
        message: expect.stringMatching(/holds the private key of the recipient age1.*Keep it apart/),
      });
      expect(error.message).toContain(path);
      expect(error.message.toUpperCase()).not.toContain(escrow.identity);
    },
  );

  test('is refused as a captured file itself, by whatever name it is reached', async () => {
    const identityFile = await stage.write('key.txt', `KEY=${(await keyPair()).identity}\n`);
    const [hard, soft] = [join(stage.app, 'hard'), join(stage.app, 'soft')];
    await link(identityFile, hard);
    await symlink(identityFile, soft);
    for (const path of [identityFile, hard, soft]) {
      const error = await refusal({ envFiles: [path], identityFile, recipients: recipients() });
      expect(error.message).toContain(`${path} is the identity file that opens the set`);
    }
  });

  test('of somebody else may stand in an env file: it opens nothing here', async () => {
    const envFiles = [await stage.write('.env', `SOPS_AGE_KEY=${(await keyPair()).identity}\n`)];
    expect((await stage.capture({ envFiles, recipients: recipients() })).variables).toEqual(['SOPS_AGE_KEY']);
  });
});

describe('recipients', () => {
  test('none, or no public key at all, is refused by the schema', () => {
    for (const wrong of [[], ['ssh-ed25519 AAAA'], [escrow.identity]]) {
      expect(configurationBackupSchema.safeParse({ recipients: wrong }).success).toBe(false);
    }
  });

  test('one with a mistyped letter is refused when the worker starts, by its place', () => {
    const last = escrow.recipient.endsWith('q') ? 'p' : 'q';
    const wrong = [ours.recipient, escrow.recipient.slice(0, -1) + last];
    const config = configurationBackupSchema.parse({ recipients: wrong });
    const create = (): unknown => createConfigurationActivities({ config, store: stage.store, environment: {} });
    expect(create).toThrow('configuration.recipients[1]: is no public key of age');
    const none = { ...config, recipients: [] };
    expect(() => createConfigurationActivities({ config: none, store: stage.store, environment: {} })).toThrow(
      'configuration.recipients: must name at least one',
    );
  });

  test('named twice count once', async () => {
    const part = await stage.capture({ recipients: [ours.recipient, ours.recipient] });
    expect(part.recipients).toEqual([ours.recipient]);
  });
});

describe('a file', () => {
  test('that is missing is named with its setting', async () => {
    const envFiles = [await stage.write('.env', ENV), join(stage.app, 'gone.env')];
    const error = await refusal({ envFiles, recipients: recipients() });
    expect(error.message).toContain(`configuration.envFiles[1]: ${join(stage.app, 'gone.env')} is not there`);
  });

  test('that the worker may not read is named', async () => {
    const path = await stage.write('.env', ENV);
    await chmod(path, 0o000);
    await chmod(stage.app, 0o755);
    // The superuser may read everything, so somebody else looks.
    const uid = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const reader = captureElsewhere({ envFiles: [path], recipients: recipients() }, uid);
    const [said] = (await once(reader.stdout, 'data')) as [Buffer];
    expect(said.toString()).toContain(`configuration.envFiles[0]: ${path} cannot be read by the worker`);
    expect(await writtenKeys()).toEqual([]);
  });

  test('that is a folder, no text, or far too large is named', async () => {
    const binary = await stage.write('binary', Buffer.from([0x41, 0x3d, 0xff, 0xfe]));
    const wide = await stage.write('wide', Buffer.from('A=hunter2-correct-horse', 'utf16le'));
    const large = await stage.write('large', Buffer.alloc((1 << 20) + 1, 'x'));
    const said = async (path: string): Promise<string> =>
      (await refusal({ envFiles: [path], recipients: recipients() })).message;
    expect(await said(stage.app)).toContain('is no file');
    expect(await said(binary)).toContain('is no text in UTF-8');
    expect(await said(wide)).toContain('is no text');
    expect(await said(large)).toContain('more than the 1048576 of a text file');
  });

  test('with the rest of a value that lacks its quotes is refused, since the rest would pass for a name', async () => {
    const pem = 'A="x\ny"\nKEY=-----BEGIN KEY-----\nhunter2-correct-horse\nabc=\n-----END KEY-----\n';
    const error = await refusal({ envFiles: [await stage.write('.env', pem)], recipients: recipients() });
    expect(error.message).toMatch(/\.env: line 4 is neither NAME=value nor a comment/);
  });

  test('with a long value that goes on in another line is refused, since its end would pass for a name', async () => {
    const wrapped = `KEY=${'a1B2'.repeat(19)}\nhunter2CorrectHorse==\n`;
    const error = await refusal({ envFiles: [await stage.write('.env', wrapped)], recipients: recipients() });
    expect(error.message).toMatch(/\.env: line 2 is neither NAME=value nor a comment/);
    const fine = await stage.write('fine.env', `KEY=${'a1B2'.repeat(19)}\nEMPTY=\n`);
    expect((await stage.capture({ envFiles: [fine], recipients: recipients() })).variables).toEqual(['EMPTY', 'KEY']);
  });

  test.each([
    ['services:\n  db:\n    POSTGRES_PASSWORD: hunter2-correct-horse\n', 3, 'a value for POSTGRES_PASSWORD'],
    ['    - QDRANT__SERVICE__API_KEY=hunter2-correct-horse\n', 1, 'a value for QDRANT__SERVICE__API_KEY'],
    ['PASSWORD: ${DB_PASSWORD:-hunter2-correct-horse}\n', 1, 'a value for PASSWORD'],
    ['FROM x\nENV SECRET_KEY hunter2-correct-horse\n', 2, 'a value for SECRET_KEY'],
    ['{"apiKey": "hunter2-correct-horse"}\n', 1, 'a value for apiKey'],
    ['# postgresql://app:hunter2-correct-horse@db/app\n', 1, 'an address with a password'],
    ['RUN curl -H "x: sk-never-to-be-seen-in-clear"\n', 1, 'a key of an AI provider'],
    ['ENV X=AKIAIOSFODNN7EXAMPLE\n', 1, 'a key of AWS'],
    ['-----BEGIN OPENSSH PRIVATE KEY-----\n', 1, 'a private key'],
  ])('in clear with a secret is refused by line and kind: %j', async (text, line, what) => {
    const files = [await stage.write('docker-compose.yml', text)];
    const error = await refusal({ files, recipients: recipients() });
    expect(error.message).toContain(`docker-compose.yml, line ${line} looks like ${what} in clear`);
  });
});

test('the value of a secret variable is refused in a file in clear and in a command, whatever it is called there', async () => {
  const envFiles = [await stage.write('.env', ENV)];
  const files = [await stage.write('Dockerfile', 'FROM x\nRUN setup hunter2-correct-horse\n')];
  const error = await refusal({ envFiles, files, recipients: recipients() });
  expect(error.message).toContain('Dockerfile, line 2 looks like the value of DATABASE_URL in clear');
  const references = [{ name: 'A', from: 'command', where: 'login hunter2-correct-horse' }];
  const other = await refusal({ envFiles, references, recipients: recipients() });
  expect(other.message).toContain('`where` looks like the value of DATABASE_URL');
});

describe('a secret that is kept elsewhere', () => {
  test('is fetched to see that it can be, and only where it is stands in the set', async () => {
    const where = await stage.write('secret', 'hunter2-correct-horse\n');
    const references = [
      { name: 'A', from: 'file', where },
      { name: 'B', from: 'command', where: `cat ${where}` },
      { name: 'C', from: 'environment', where: 'C_TOKEN' },
    ];
    const part = await stage.capture(
      { references, recipients: recipients() },
      { PATH: process.env['PATH'], C_TOKEN: 'hunter2-correct-horse' },
    );
    expect(part.references).toEqual(references);
    expect(JSON.stringify(part)).not.toContain('hunter2');
  });

  test('and cannot be fetched is refused, all of them at once, and no output is repeated', async () => {
    const references = [
      {
        name: 'A',
        from: 'command',
        where: 'printf "hunter2-%s" correct-horse; printf "hunter2-%s" correct-horse >&2; exit 3',
      },
      { name: 'B', from: 'command', where: 'printf "  \\n"' },
      { name: 'C', from: 'command', where: 'sleep 60 | cat; echo late' },
      { name: 'D', from: 'file', where: join(stage.app, 'gone') },
      { name: 'E', from: 'environment', where: 'NOT_SET' },
      { name: 'F', from: 'command', where: 'yes hunter2' },
    ];
    const error = await refusal({ references, recipients: recipients(), timeoutSeconds: 1 });
    expect(error.message.split('; ')).toEqual([
      'configuration.references[0] (A): the command ended with exit code 3',
      'configuration.references[1] (B): the command prints nothing',
      'configuration.references[2] (C): the command did not end within 1 s',
      `configuration.references[3] (D): the file ${join(stage.app, 'gone')} cannot be read (ENOENT)`,
      'configuration.references[4] (E): the variable NOT_SET is not set on the worker',
      'configuration.references[5] (F): the command prints more than a secret has. A recovery would not find these secrets either',
    ]);
  });

  test('is not waited for when the run is cancelled, and whatever the command has started ends', async () => {
    const started = join(stage.app, 'started');
    const references = [{ name: 'A', from: 'command', where: `sh -c 'echo > ${started}; sleep 60' | cat` }];
    const config = configurationBackupSchema.parse({ references, recipients: recipients() });
    const controller = new AbortController();
    const run = { environment: { PATH: process.env['PATH'] }, timeoutMs: 30_000, signal: controller.signal };
    const capture = captureConfiguration({ config, store: stage.store, run }, stage.folder);
    await eventually(
      () => readFile(started, 'utf8').catch(() => ''),
      (text) => text.endsWith('\n'),
    );
    controller.abort(new Error('cancelled'));
    // This waits until nobody holds the command's output any more.
    await expect(capture).rejects.toThrow('cancelled');
    expect(await writtenKeys()).toEqual([]);
  });

  test('may not be told by a command that itself holds one', async () => {
    const references = [
      { name: 'A', from: 'command', where: 'curl -H "x: sk-never-to-be-seen-in-clear" https://vault' },
    ];
    const error = await refusal({ references, recipients: recipients() });
    expect(error.message).toMatch(/references\[0\] \(A\): `where` looks like a key of an AI provider/);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Release } from '../../../domain/set-parts.ts';
import { type KeyPair, keyPair, setStage, type Stage } from './stage.ts';

let stage: Stage;
let key: KeyPair;
beforeEach(async () => {
  [stage, key] = [await setStage(), await keyPair()];
});

const git = (...args: string[]): string =>
  execFileSync('git', ['-C', stage.app, '-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null' },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
const release = async (environment: Record<string, string> = {}): Promise<Release | undefined> =>
  (
    await stage.capture(
      { recipients: [key.recipient], release: { git: stage.app } },
      { PATH: process.env['PATH'], ...environment },
    )
  ).release;
async function commitApp(): Promise<string> {
  git('init', '--quiet');
  await stage.write('app.py', 'print(1)\n');
  await stage.write('notes.txt', 'one\n');
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
  return git('rev-parse', 'HEAD');
}

describe('the release of a working tree', () => {
  test('is a tagged commit and nothing else, without a problem', async () => {
    const commit = await commitApp();
    git('tag', 'v1.2.0');
    expect(await release()).toEqual({ kind: 'git', commit, tag: 'v1.2.0', clean: true });
  });

  test('without a tag is told with what to do about it', async () => {
    const commit = await commitApp();
    expect(await release()).toEqual({
      kind: 'git',
      commit,
      clean: true,
      problem: expect.stringMatching(/^commit [0-9a-f]{12} has no tag/),
    });
  });

  test('with a tag on an earlier commit has none', async () => {
    await commitApp();
    git('tag', 'v1');
    git('commit', '--quiet', '--allow-empty', '--message', 'second');
    expect(await release()).not.toHaveProperty('tag');
  });

  test.each([
    ['a changed file', () => stage.write('app.py', 'print(2)\n')],
    ['a file that Git does not know', () => stage.write('hotfix.py', '')],
  ])('with %s is not what a deployment would bring', async (_what, change) => {
    await commitApp();
    git('tag', 'v1');
    await change();
    expect(await release()).toMatchObject({
      tag: 'v1',
      clean: false,
      problem: expect.stringContaining('the working tree differs from commit'),
    });
  });

  test('is asked for without running anything that the tree itself configures', async () => {
    await commitApp();
    const ran = join(stage.directory, 'ran');
    const trap = await stage.write('.git/trap', `#!/bin/sh\necho "$0 $*" >> ${ran}\ncat\n`);
    await chmod(trap, 0o755);
    git('config', 'core.fsmonitor', trap);
    git('config', 'core.hooksPath', join(stage.app, '.git'));
    for (const name of ['trap', 'odd=name'])
      for (const [what, value] of [
        ['clean', trap],
        ['process', trap],
        ['required', 'true'],
      ])
        git('config', `filter.${name}.${what}`, value ?? '');
    await writeFile(join(stage.app, '.git/info/attributes'), '*.py filter=trap\n*.txt filter=odd=name\n');
    await stage.write('app.py', 'print(3)\n');
    await stage.write('notes.txt', 'two\n');
    expect(await release()).toMatchObject({ clean: false });
    await expect(readFile(ran)).rejects.toThrow('ENOENT');
    // The trap does work when nothing is taken away.
    spawnSync('git', ['-C', stage.app, 'status', '--porcelain'], { env: { PATH: process.env['PATH'] } });
    expect(await readFile(ran, 'utf8')).toContain('trap');
  });

  test('is of the folder in the settings, whatever GIT_DIR says', async () => {
    const commit = await commitApp();
    expect(await release({ GIT_DIR: '/nowhere', GIT_WORK_TREE: '/nowhere' })).toMatchObject({ commit });
  });

  test.each([
    ['is no repository', () => undefined, 'is no working tree of Git'],
    ['has no commit', () => git('init', '--quiet'), 'has no commit yet'],
  ])('of a folder that %s is refused, and nothing is written', async (_what, prepare, message) => {
    prepare();
    await expect(release()).rejects.toMatchObject({
      type: 'CONFIGURATION_REFUSED',
      message: `configuration.release.git: ${stage.app} ${message}`,
    });
    expect(await stage.store.list(`${stage.folder}/configuration/`)).toEqual([]);
  });
});

test('the release of an image is the image and its digest', async () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const image = 'registry.example/app:1.2.0';
  const part = await stage.capture({ recipients: [key.recipient], release: { image, digest } });
  expect(part.release).toEqual({ kind: 'image', reference: image, digest });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { loadSandboxOptions } from '../../config/sandbox.ts';
import { readCurrent } from '../../sandbox/launch/current.mjs';
import { namedPlaces } from '../../sandbox/launch/places.mjs';
import { withLock } from '../../sandbox/launch/lock.mjs';
import { isStale } from '../../sandbox/launch/node-modules.mjs';
import { isNewEnough, pythonVersion, readPython } from '../../sandbox/launch/python.mjs';
import { findProgram } from '../../sandbox/stack/find.ts';
import { temporaryFolder } from '../support/folder.ts';

/** A process number that no system gives out. */
const NOBODY = 2 ** 30;
const launcher = join(process.cwd(), 'sandbox/launch.mjs');

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('launch');
});

function write(path: string, content: unknown): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function program(path: string): string {
  const file = write(path, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

describe('npm packages', () => {
  const zod = { version: '4.6.7', integrity: 'sha512-a' };
  const lockWith = (packages: object): object => ({ packages: { '': { name: 'p' }, ...packages } });

  function install(packages: object): void {
    program('node_modules/.bin/node');
    write('node_modules/.package-lock.json', { packages });
  }

  test('are installed when there are none', () => {
    write('package-lock.json', lockWith({}));
    expect(isStale(folder)).toBe(true);
  });

  test('are left alone when npm installed what the lock file asks for, by whatever command', () => {
    write('package-lock.json', lockWith({ 'node_modules/zod': zod }));
    install({ 'node_modules/zod': zod });
    expect(isStale(folder)).toBe(false);
  });

  test('of other platforms may be absent, others may not', () => {
    const lock = { 'node_modules/zod': zod, 'node_modules/core-darwin': { version: '1.0.0', optional: true } };
    write('package-lock.json', lockWith(lock));
    install({ 'node_modules/zod': zod });
    expect(isStale(folder)).toBe(false);
    write('package-lock.json', lockWith({ ...lock, 'node_modules/pg': { version: '8.23.1' } }));
    expect(isStale(folder)).toBe(true);
  });

  test('are installed again when the lock file asks for another version, also after an earlier good start', () => {
    write('package-lock.json', lockWith({ 'node_modules/zod': zod }));
    install({ 'node_modules/zod': zod });
    expect(isStale(folder)).toBe(false);
    write('package-lock.json', lockWith({ 'node_modules/zod': { ...zod, version: '4.6.8' } }));
    expect(isStale(folder)).toBe(true);
  });

  test('are installed again when the project Node is gone', () => {
    write('package-lock.json', lockWith({}));
    install({});
    expect(isStale(folder)).toBe(false);
    rmSync(join(folder, 'node_modules/.bin/node'));
    expect(isStale(folder)).toBe(true);
  });
});

describe('Python', () => {
  test.each([
    ['Python 3.9.18', false],
    ['Python 3.10.0', true],
    ['Python 3.14.0rc1', true],
    ['Python 2.7.18', false],
    ['Python 4.0.1', true],
  ])('%s is new enough: %s', (text, expected) => {
    expect(isNewEnough(pythonVersion(text) ?? [0, 0])).toBe(expected);
  });

  test('a program that tells no version is no Python', () => {
    expect(pythonVersion('python: command not found')).toBeUndefined();
  });

  test('what was provided counts only while its requirements and its interpreter are the same', () => {
    const python = program('bin/python');
    write('ready.json', { requirements: 'abc', python });
    expect(readPython(folder, 'abc')).toMatchObject({ python });
    expect(readPython(folder, 'abd')).toBeUndefined();
    rmSync(python);
    expect(readPython(folder, 'abc')).toBeUndefined();
  });
});

describe('programs are looked for', () => {
  const places = (): Parameters<typeof findProgram>[1] => ({
    variable: 'SANDBOX_CADDY',
    searchPath: ['', join(folder, 'path-a'), join(folder, 'path-b')].join(delimiter),
    provided: join(folder, 'provided'),
  });

  test('where they are configured, then on PATH, then among what was provided', () => {
    expect(findProgram('caddy', places())).toBeUndefined();
    const provided = program('provided/caddy');
    expect(findProgram('caddy', places())).toEqual({ path: provided, from: 'provided' });
    const onPath = program('path-b/caddy');
    expect(findProgram('caddy', places())).toEqual({ path: onPath, from: 'PATH' });
    const configured = program('own/caddy');
    expect(findProgram('caddy', { ...places(), configured })).toEqual({ path: configured, from: 'configured' });
  });

  test('and a configured path that is no program is told, not passed over', () => {
    program('path-a/caddy');
    const configured = write('own/caddy', 'not executable');
    expect(() => findProgram('caddy', { ...places(), configured })).toThrow(
      `SANDBOX_CADDY names no program: ${configured}`,
    );
  });

  test('and one on PATH that will not do is passed over', () => {
    program('path-a/caddy');
    const good = program('path-b/caddy');
    expect(findProgram('caddy', { ...places(), accept: (path) => path === good })?.path).toBe(good);
  });
});

describe('the sandbox settings', () => {
  test('name every variable that is wrong, and no value', () => {
    const wrong = { SANDBOX_QDRANT_URL: 'ftp://secret', SANDBOX_TEMPORAL_ADDRESS: 'nowhere' };
    expect(() => loadSandboxOptions(wrong)).toThrow(
      'SANDBOX_QDRANT_URL must be an http:// or https:// URL; SANDBOX_TEMPORAL_ADDRESS must be host:port',
    );
  });

  test('hand down nothing of another stack', () => {
    const { handedDown } = loadSandboxOptions({ PATH: '/bin', QDRANT_URL: 'https://production', OPENAI_API_KEY: 'k' });
    expect(handedDown).toEqual({ PATH: '/bin' });
  });

  test('take an empty variable for one that is not set', () => {
    expect(loadSandboxOptions({ SANDBOX_QDRANT_URL: '' }).qdrant).toEqual({});
  });
});

describe('the lock of an installation', () => {
  test('lets one after the other in', async () => {
    const lock = join(folder, 'install.lock');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all([withLock(lock, work), withLock(lock, work), withLock(lock, work)]);
    expect(most).toBe(1);
    expect(existsSync(lock)).toBe(false);
  });

  test('is taken over from a process that died with it', async () => {
    write('install.lock/pid', String(NOBODY));
    expect(await withLock(join(folder, 'install.lock'), () => Promise.resolve('in'))).toBe('in');
  });

  test('is given back when the work fails', async () => {
    const lock = join(folder, 'install.lock');
    await expect(withLock(lock, () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
    expect(existsSync(lock)).toBe(false);
  });
});

describe('the sandbox that runs', () => {
  test('gives its variables as they were, quotes and dollars included', () => {
    const environmentFile = write('environment', 'TEMPORAL_ADDRESS="127.0.0.1:1"\nODD="a \\"b\\" $c=d"\n');
    write('current.json', { name: 'default', pid: process.pid, environmentFile });
    expect(readCurrent(folder)).toEqual({
      name: 'default',
      variables: { TEMPORAL_ADDRESS: '127.0.0.1:1', ODD: 'a "b" $c=d' },
    });
  });

  test('is none when its process has died', () => {
    const environmentFile = write('environment', 'TEMPORAL_ADDRESS="127.0.0.1:1"\n');
    write('current.json', { name: 'default', pid: NOBODY, environmentFile });
    expect(readCurrent(folder)).toBeUndefined();
  });
});

describe('the place that a command works on', () => {
  test.each([
    [{ TEMPORAL_PROFILE: 'prod' }, [], ['TEMPORAL_PROFILE']],
    [{ STORE_S3_BUCKET: 'b', STORE_DIRECTORY: '' }, [], ['STORE_S3_BUCKET']],
    [{ DR_ENVIRONMENT: 'staging' }, ['doctor'], ['DR_ENVIRONMENT']],
    [{}, ['sets', '--config', 'prod.json'], ['--config']],
    [{}, ['sets', '--config=prod.json'], ['--config']],
    [{ PATH: '/bin' }, ['sets'], []],
  ])('%j with %j is named by %j', (env, args, named) => {
    expect(namedPlaces(env, args)).toEqual(named);
  });
});

describe('the launcher', () => {
  const launch = (...args: string[]) => spawnSync(process.execPath, [launcher, ...args], { encoding: 'utf8' });

  test('runs the target on the Node that the project pins, whatever Node started it', () => {
    const { version } = JSON.parse(readFileSync('node_modules/node/package.json', 'utf8')) as { version: string };
    const script = write('print.ts', 'const version: string = process.versions.node;\nconsole.log(version);\n');
    expect(launch(relative(process.cwd(), script)).stdout.trim()).toBe(version);
  });

  test('hands back the exit code of the target', () => {
    expect(launch('sandbox/drill.ts', '--no-such-flag').status).toBe(2);
    expect(launch('sandbox/drill.ts', '--help').status).toBe(0);
  });

  test.each(['jest', 'check'])('does not start %s from within a test, which would start it again', (target) => {
    const { status, stderr } = launch(target, '--help');
    expect(status).toBe(1);
    expect(stderr).toBe(
      `A test runs just now, and must not start ${target}: unset JEST_WORKER_ID if this is no test.\n`,
    );
  });

  test('says in one sentence that there is no such target', () => {
    const { status, stderr } = launch('nothing.ts');
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('There is no target nothing.ts')]);
  });
});

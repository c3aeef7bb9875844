import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createDeployer } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer } from '../../../domain/deployment.ts';
import { type AppFolder, makeApp } from '../../support/deployed-app.ts';
import { findServer } from '../../support/programs.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';
import { until } from '../../support/until.ts';
import { EVERY_STEP } from '../../support/every-step.ts';
import { deployContract, type DeployUnderTest, PASSWORD, SECRET, VARIABLES, work } from './contract.ts';

const PARTS = { environment: 'test', variables: { PATH: process.env['PATH'] } };
const RELEASES = {
  good: { ref: 'slow', pinned: 'aaaa1' },
  next: { ref: 'v2', pinned: 'bbbb2' },
  bad: { ref: 'bad', pinned: 'cccc3' },
  hung: { ref: 'hung', pinned: 'dddd4' },
};

async function under(ssh?: Sshd): Promise<DeployUnderTest & { app: AppFolder }> {
  const app = await makeApp();
  return {
    app,
    settings: { command: { ...app.settings, ...(ssh ? { ssh: ssh.ssh } : {}) } },
    parts: PARTS,
    releases: RELEASES,
    serves: app.serves,
    count: app.count,
    loseAnswer: () => {
      // The release takes its time after it has started: the connection goes in between.
      const started = async (): Promise<void> => {
        if ((await app.count(RELEASES.good)) === 0) throw new Error('not started');
      };
      if (ssh) void until(started).then(ssh.relay.cut);
    },
    close: async () => app.close(),
  };
}

deployContract('a list of commands', () => under());

const sshd = findServer('sshd');
if (sshd === undefined) {
  test.skip('commands over SSH are not tested: there is no sshd (`apt-get install openssh-server`)', () => undefined);
} else {
  describe('over SSH', () => {
    let server: Sshd;
    beforeAll(async () => {
      server = await startSshd(sshd);
    });
    afterAll(() => server?.stop());
    deployContract('a list of commands', () => under(server), EVERY_STEP ? [2] : []);
    if (EVERY_STEP) ownTests(() => server);

    const findAt = async (ssh: object): Promise<unknown> => {
      const app = await makeApp();
      const settings = { command: { ...app.settings, ssh: { ...server.ssh, ...ssh } } };
      return createDeployer(deployConfigSchema.parse(settings), PARTS)
        .find()
        .catch((error: unknown) => error)
        .finally(app.close);
    };

    test.each<[string, (at: (name: string) => string) => object, string, RegExp]>([
      ['a key that is not known there', (at) => ({ keyFile: at('other') }), 'DEPLOY_REFUSED', /Permission denied/],
      ['a host that is not known here', () => ({ knownHostsFile: '/dev/null' }), 'DEPLOY_REFUSED', /host key/],
      ['another host under its name', (at) => ({ knownHostsFile: at('impostor') }), 'DEPLOY_REFUSED', /Host key/],
      ['nobody there', () => ({ port: 9 }), 'DEPLOY_UNREACHABLE', /refused|host key/],
    ])('says so of %s', async (_what, ssh, code, words) => {
      const at = (name: string): string => join(server.folder, name);
      writeFileSync(at('impostor'), `[127.0.0.1]:${server.ssh.port} ${readFileSync(at('other.pub'), 'utf8')}`);
      expect(await findAt(ssh(at))).toMatchObject({ code, message: expect.stringMatching(words) });
    });
  });
}
describe('here', () => ownTests(() => undefined));

function ownTests(server: () => Sshd | undefined): void {
  async function using(
    more: object,
    tried: (deployer: Deployer, app: AppFolder, settings: object) => Promise<void>,
  ): Promise<void> {
    const { app, settings } = await under(server());
    const changed = { command: { ...(settings as { command: object }).command, ...more } };
    try {
      await tried(createDeployer(deployConfigSchema.parse(changed), PARTS), app, changed);
    } finally {
      app.close();
    }
  }
  const input = (release = RELEASES.good) => ({ release, variables: VARIABLES, key: 'run-1' });

  test('secrets stand on no command line', () =>
    using({}, async (deployer) => {
      const seen = new Set<string>();
      const deploying = deployer.deploy(input(), work());
      let over = false;
      void deploying.finally(() => (over = true));
      while (!over) {
        for (const line of commandLines()) seen.add(line);
        await pause(20);
      }
      await deploying;
      const all = [...seen].join('\n');
      expect(all).toContain('up.cjs');
      expect(all).not.toMatch(`${SECRET}|${PASSWORD}`);
    }));

  test.each<[string, (child: ChildProcess) => void]>([
    ['is killed', (child) => child.kill('SIGKILL')],
    ['is told to end', (child) => child.kill('SIGTERM')],
  ])('what a worker has begun that %s ends with it', (_what, end) =>
    using({}, async (_deployer, app, settings) => {
      const child = spawn(
        join(process.cwd(), 'node_modules/.bin/node'),
        [join(process.cwd(), 'test/contracts/deploy/child.ts')],
        { stdio: ['pipe', 'ignore', 'inherit'] },
      );
      child.stdin.end(JSON.stringify({ settings, parts: PARTS, input: input(RELEASES.hung) }));
      const running = (): string[] => commandLines().filter((line) => line.includes(app.folder));
      await until(async () => expect(app.begun()).toBe(1));
      expect(running()).not.toEqual([]);
      end(child);
      await until(async () => expect(running()).toEqual([]));
    }),
  );

  test('cancelled or out of time, it is ended', () =>
    using({}, async (deployer, app) => {
      const running = (): string[] => commandLines().filter((line) => line.includes(app.folder));
      const how = work();
      const deploying = deployer.deploy(input(RELEASES.hung), how);
      await Promise.allSettled([deploying, until(async () => expect(app.begun()).toBe(1)).then(() => how.cancel())]);
      await expect(deploying).rejects.toThrow('cancelled');
      await until(async () => expect(running()).toEqual([]));
      await expect(deployer.deploy(input(RELEASES.hung), work())).rejects.toMatchObject({
        message: expect.stringMatching(/command 2 of 2: .*node did not end within 2 s: deploying hung/),
      });
      await until(async () => expect(running()).toEqual([]));
    }));

  test.each<[string, object, string, RegExp]>([
    ['a program that is not there', { run: [{ run: ['no-such-program'] }] }, 'DEPLOY_FAILED', /program is not there/],
    ['a folder that is not there', { run: [{ run: ['true'], cwd: '/no/folder' }] }, 'DEPLOY_FAILED', /\/no\/folder/],
    ['a state file that cannot be', { stateFile: '/no/folder/state' }, 'DEPLOY_REFUSED', /stateFile \/no\/folder/],
    ['a state file of somebody else', { stateFile: '/etc/hostname' }, 'DEPLOY_REFUSED', /something else/],
    ['a find that says nothing', { find: { run: ['true'] } }, 'DEPLOY_REFUSED', /find: true prints no line/],
    ['a find that chats', { find: { run: ['echo', 'all is well'] } }, 'DEPLOY_REFUSED', /but all is well/],
    ['a find that fails', { find: { run: ['sh', '-c', 'echo oh >&2; exit 255'] } }, 'DEPLOY_REFUSED', /code 254: oh/],
    [
      'a find that hangs',
      { find: { run: ['sleep', '60'], timeoutSeconds: 0.5 } },
      'DEPLOY_UNREACHABLE',
      /find: sleep did not end within 0.5 s/,
    ],
    [
      'one that holds its output',
      { run: [{ run: ['sh', '-c', 'sleep 60 & exit 0'], timeoutSeconds: 1 }] },
      'DEPLOY_FAILED',
      /held its output for 1 s|did not end within 1 s/,
    ],
    [
      'what does not come up',
      { run: [{ run: ['true'] }], readySeconds: 0.2 },
      'DEPLOY_FAILED',
      /after 0.2 s `find` says absent; aaaa1 was to run/,
    ],
  ])('says so of %s', (_what, more, code, words) =>
    using(more, async (deployer) => {
      await expect(deployer.deploy(input(), work())).rejects.toMatchObject({
        code,
        message: expect.stringMatching(words),
      });
    }),
  );

  test('says so when what was stopped goes on', () =>
    using({ stop: [{ run: ['true'] }], readySeconds: 0.5 }, async (deployer) => {
      await deployer.deploy(input(RELEASES.next), work());
      await expect(deployer.stop(work())).rejects.toMatchObject({
        code: 'DEPLOY_REFUSED',
        message: expect.stringContaining('it was stopped, but `find` says running, with bbbb2'),
      });
    }));

  test('a list that did not come to its end is run again as a whole, though what it brings runs already', () =>
    using({}, async (deployer, app) => {
      await deployer.deploy(input(), work());
      const file = join(app.folder, 'state.json');
      writeFileSync(file, JSON.stringify({ key: 'run-1', release: RELEASES.good.pinned, done: false }));
      const how = work();
      expect(await deployer.deploy(input(), how)).toMatchObject({ adopted: false });
      expect(how.phases.some((phase) => phase.startsWith('command 1 of'))).toBe(true);
    }));

  test('keeps no secret in its state file', () =>
    using({}, async (deployer, app) => {
      await deployer.deploy(input(), work());
      const file = join(app.folder, 'state.json');
      expect(existsSync(`${file}.new`)).toBe(false);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
        key: 'run-1',
        release: 'aaaa1',
        done: true,
      });
    }));
}

/** Of every process on this machine, as everybody can read them. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return [];
      }
    });
}

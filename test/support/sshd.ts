import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { quietPort } from './ports.ts';
import { type Relay, startRelay } from './relay.ts';
import { until } from './until.ts';

/** A real sshd on a loopback port, with keys of its own, behind a wire that can be cut. */
export interface Sshd {
  /** As `command.ssh` of the settings. */
  readonly ssh: { host: string; port: number; user: string; keyFile: string; knownHostsFile: string };
  readonly folder: string;
  readonly relay: Relay;
  stop(): Promise<void>;
}

/** @param program the path of sshd; it does not start by a name */
export async function startSshd(program: string): Promise<Sshd> {
  const [folder, port, { username }] = [temporaryFolder('sshd'), await quietPort(), userInfo()];
  const at = (name: string): string => join(folder, name);
  for (const name of ['host', 'user', 'other'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  copyFileSync(at('user.pub'), at('authorized_keys'));
  // As root it wants the folder that its service makes.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(
    at('sshd_config'),
    [
      ...[`ListenAddress 127.0.0.1:${port}`, `HostKey ${at('host')}`, `PidFile ${at('pid')}`, 'UsePAM no'],
      ...[`AuthorizedKeysFile ${at('authorized_keys')}`, 'StrictModes no', 'PasswordAuthentication no'],
      // What the login's own shell would read at each command is none of the test's.
      `SetEnv HOME=${folder}`,
      ...['KbdInteractiveAuthentication no', `AllowUsers ${username}`, 'PermitRootLogin prohibit-password'],
      '',
    ].join('\n'),
  );
  const child = spawn(program, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  const hopeless = (): string | undefined => (child.exitCode === null ? undefined : `sshd: ${said}`);
  await until(() => canConnect(port), hopeless);
  const relay = await startRelay({ host: '127.0.0.1', port });
  const outer = Number(relay.host.split(':')[1]);
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${outer} ${readFileSync(at('host.pub'), 'utf8')}`);
  return {
    ssh: {
      host: '127.0.0.1',
      port: outer,
      user: username,
      keyFile: at('user'),
      knownHostsFile: at('known_hosts'),
    },
    folder,
    relay,
    stop: async () => {
      await relay.stop();
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function canConnect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
  });
}

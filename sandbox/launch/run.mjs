import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { check } from './check.mjs';
import { readCurrent } from './current.mjs';
import { ensureNodeModules } from './node-modules.mjs';
import { project, sandboxFolder } from './paths.mjs';
import { namedPlaces } from './places.mjs';
import { Problem } from './problem.mjs';
import { ensurePython, ensureTestPython } from './python.mjs';
import { resolveTarget } from './targets.mjs';

const bin = join(project, 'node_modules', '.bin');

/** Provides what the target needs, runs it, and returns its exit code. */
export async function launch([name, ...args]) {
  try {
    refuseWithinTest(name);
    if (name !== 'jest') resolveTarget(name, project);
    await ensureNodeModules(project, sandboxFolder);
    const target = resolveTarget(name, project);
    const env = {
      ...process.env,
      PATH: [bin, process.env.PATH].join(delimiter),
      SANDBOX_LAUNCHER: String(process.pid),
    };
    if (target.kind === 'check') return await check(project, env);
    if (target.needsPython) await ensurePython();
    if (name === 'jest') await ensureTestPython();
    if (target.readsSandbox) useSandbox(env, args);
    return await runNode([...flagsOf(name), target.script, ...args], env);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/** Tests that start the tests would start them again, and so on until the machine is full. @throws Problem */
function refuseWithinTest(name) {
  if (process.env.JEST_WORKER_ID === undefined || !['jest', 'check'].includes(name)) return;
  throw new Problem(`A test runs just now, and must not start ${name}: unset JEST_WORKER_ID if this is no test.`);
}

/** Where nobody names a place, the sandbox that runs is meant. Its variables come as a whole, never mixed with others. */
function useSandbox(env, args) {
  const current = readCurrent(sandboxFolder);
  if (!current) return;
  const named = namedPlaces(env, args);
  if (named.length > 0) {
    const quiet = env.TEMPORAL_ADDRESS || args.includes('--json') || !process.stderr.isTTY;
    if (!quiet) process.stderr.write(`Not using the sandbox '${current.name}', since ${named.join(', ')} is set\n`);
    return;
  }
  Object.assign(env, current.variables);
  process.stderr.write(`Using the sandbox '${current.name}', since no other place is named\n`);
}

/**
 * A worker reads lists of millions in pieces that live for a moment. Left alone, V8 lets the room for such things grow to
 * twice this size, which is a hundred megabytes more and no faster.
 */
function flagsOf(name) {
  return name === 'workers/main.ts' ? ['--max-semi-space-size=16'] : [];
}

/** Runs the project's Node as if it were this process: same terminal, signals passed on, its exit code ours. */
function runNode(args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(bin, 'node'), args, { stdio: 'inherit', env });
    // A terminal sends Ctrl-C to the whole foreground group: the child has it already, and twice would mean "at once".
    const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    process.on('SIGINT', () => terminal || child.kill('SIGINT'));
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

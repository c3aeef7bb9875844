/** `npm run sandbox`: starts a small real stack on this machine, fills it, and keeps it up until Ctrl-C. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { loadSandboxOptions } from '../config/sandbox.ts';
import { Operator } from './operator.ts';
import { progressLines } from './seed-progress.ts';
import { seed } from './seed.ts';
import { openControl } from './stack/control.ts';
import { renderStack } from './stack/page.ts';
import { startStack } from './stack/stack.ts';
import type { Stack } from './stack/types.ts';

const HELP = `npm run sandbox -- [options]

Starts Temporal, Postgres, Qdrant, an embedding endpoint, a chatbot behind Caddy and the recovery worker on free loopback
ports, fills the stores from a small textbook, and keeps everything up until Ctrl-C.

  --name NAME   a sandbox of its own, beside others (default: default)
  --fresh       begin with no data
  --points N    add N synthetic points when filling, for scale
  --neon        a stand-in of Neon in the place of Postgres: branches, restores, connections to a moment
  --help

Exit code: 0 when it was stopped, 1 when it could not start, 2 for wrong use.

A part that you have already is used instead of ours: SANDBOX_TEMPORAL_ADDRESS, SANDBOX_QDRANT_URL (with
SANDBOX_QDRANT_API_KEY and SANDBOX_QDRANT_READ_ONLY_API_KEY), SANDBOX_POSTGRES_URL, SANDBOX_EMBEDDINGS_URL; programs:
SANDBOX_TEMPORAL, SANDBOX_QDRANT, SANDBOX_CADDY, SANDBOX_PG_BIN.
`;
const WRONG_USE = 2;
const INTERRUPTED = 130;
const LOOK_EVERY_MS = 1_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) return void process.stdout.write(HELP);
  const points = values.points === undefined ? undefined : Number(values.points);
  if (points !== undefined && !(Number.isInteger(points) && points >= 0)) {
    usage('--points must be a whole number, 0 or more');
  }
  const options = loadSandboxOptions();
  const stop = listenForStop(options.launcher);
  const { name, fresh, neon } = values;
  const stack = await startStack({ name, fresh, neon, options, onMessage: say });
  stop.letItFinish();
  try {
    const control = await openControl(stack);
    if (await seedOnce(stack, points)) await takeFirstSet(stack);
    process.stdout.write(`${renderStack(stack, control.url)}\n`);
    say(`Stopping (${await stop.asked}) ...`);
    await control.close();
  } finally {
    await stack.stop();
  }
  say('Stopped.');
}

function readArguments(): ReturnType<typeof parse> {
  try {
    return parse();
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error));
  }
}

function parse() {
  return parseArgs({
    options: {
      name: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      points: { type: 'string' },
      neon: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(WRONG_USE);
}

/** Fills an empty stack, and says whether it did. One that has been filled is left as it is: somebody may have broken it on purpose. */
async function seedOnce(stack: Stack, points: number | undefined): Promise<boolean> {
  // Neon's database is another one than Postgres's; the rest may be filled twice.
  const done = join(stack.dir, stack.urls.neonFaults === null ? 'seeded' : 'seeded-neon');
  if (existsSync(done)) return false;
  await seed({ dir: stack.dir, env: stack.env }, { points, onProgress: progressLines(say) });
  writeFileSync(done, `${new Date().toISOString()}\n`);
  return true;
}

/** Whoever breaks first must have something to heal from. */
async function takeFirstSet(stack: Stack): Promise<void> {
  say('Taking the first recovery set ...');
  await new Operator(stack.env).ask(z.unknown(), 'start', 'backup', '--wait');
}

interface Stop {
  /** Resolves, with the reason, when this process is to stop in good order. */
  readonly asked: Promise<string>;
  /** From now on a stop is made in good order; before, nothing is worth it. */
  letItFinish(): void;
}

/**
 * Listens for being told to stop, and for the death of the launcher that started this. Before the sandbox is up, and when
 * told twice with more than a moment in between, the process ends at once: the watchdog then ends the parts.
 */
function listenForStop(launcher: number | undefined): Stop {
  let finishing = false;
  let first = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const ask = (why: string): void => {
    // npm and a terminal may both pass one Ctrl-C on.
    if (!finishing || (first !== 0 && Date.now() - first > LOOK_EVERY_MS)) process.exit(INTERRUPTED);
    first ||= Date.now();
    resolve(why);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ask(signal));
  const look = setInterval(() => {
    if (launcher === undefined || process.ppid === launcher) return;
    clearInterval(look);
    ask('the launcher has ended');
  }, LOOK_EVERY_MS);
  look.unref();
  return { asked: promise, letItFinish: () => (finishing = true) };
}

await main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});

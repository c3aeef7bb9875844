/**
 * `npm run bench`: measures each part beside its limit or a peer, in one run on one machine, so that what counts is the
 * ratio. The table goes to stderr; with `--json` exactly one array goes to stdout.
 */
import pc from 'picocolors';
import { appServer } from './app-server.ts';
import { type Arguments, readArguments } from './arguments.ts';
import { type Bench, type Benchmark, failedRow, type Row } from './benchmark.ts';
import { carryOver } from './carry-over.ts';
import { clusterRestore } from './cluster-restore.ts';
import { rebuild } from './rebuild.ts';
import { copyBack } from './copy-back.ts';
import { fingerprints } from './fingerprints.ts';
import { history } from './history.ts';
import { outage } from './outage.ts';
import { exitCodeOf, renderJson, renderTable } from './print.ts';
import { reconciling } from './reconcile.ts';
import { repair } from './repair.ts';
import { workflowRun } from './run.ts';
import { storing } from './store.ts';
import { verifySet } from './verify-set.ts';

const BENCHMARKS: readonly Benchmark[] = [
  reconciling,
  copyBack,
  repair,
  workflowRun,
  history,
  storing,
  verifySet,
  clusterRestore,
  rebuild,
  appServer,
  outage,
  carryOver,
  fingerprints,
];
const NAMES = BENCHMARKS.map(({ name }) => name);
const HELP = `npm run bench -- [options]

Measures on this machine, with servers of its own, each part beside its limit or a peer.

  --only NAME    one of: ${NAMES.join(', ')}
  --scale N      sizes times N, above 0 and at most 1 (default 1). Goals are meant for 1
  --json         print one JSON array on stdout
  --help

${BENCHMARKS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}

Exit code: 0 when every goal is met, 1 when one is not, 2 for wrong use.
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(args: Arguments): Promise<number> {
  const { only, json, scale } = args;
  say(`Sizes: ${scale === 1 ? 'full' : `${scale} of the full ones, so goals may be missed`}`);
  const rows: Row[] = [];
  for (const benchmark of BENCHMARKS) {
    if (only === undefined || only === benchmark.name) rows.push(...(await measure(benchmark, scale)));
  }
  say(`\nSizes: ${scale} of the full ones\n${renderTable(rows, pc)}`);
  if (json) process.stdout.write(renderJson(rows));
  return exitCodeOf(rows);
}

/** One that fails must not take the results of the others with it. */
async function measure({ name, about, run }: Benchmark, scale: number): Promise<Row[]> {
  say(pc.bold(`\n${name}: ${about}`));
  const bench: Bench = {
    scale,
    say: (line) => say(`  ${line}`),
    sized: (full, least = 1) => Math.max(least, Math.round(full * scale)),
  };
  try {
    return await run(bench);
  } catch (error) {
    say(pc.red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    return [failedRow(name)];
  }
}

function readOrExit(): Arguments {
  try {
    return readArguments(process.argv.slice(2), NAMES);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(2);
  }
}

const args = readOrExit();
if (args.help) process.stdout.write(HELP);
else process.exitCode = await main(args);

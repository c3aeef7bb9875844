/**
 * `npm run drill`: breaks the sandbox, recovers it through Temporal as a person on call would, and proves it. Progress
 * goes to stderr; with `--json` exactly one object goes to stdout; exit code 0 only when the verdict is `pass`.
 */
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { describeSeconds } from '../domain/format.ts';
import { overallVerdict } from '../domain/verdict.ts';
import { faults as known } from './faults/index.ts';
import { type PracticeName, practise, PRACTICES, RECOVERIES } from './practice.ts';
import { SET_FAULTS } from './practice-set.ts';
import { type DrillResult, failedDrill, renderDrill } from './practice-result.ts';

const HELP = `npm run drill -- [options]

Breaks a small real stack on this machine, recovers it through Temporal, verifies, and prints RTO, RPO and the verdict.

  --scenario NAME   ${PRACTICES.join(' | ')} (default: partial-loss)
  --fault LIST      comma-separated faults (default of partial-loss: ${RECOVERIES['partial-loss'].faults.join(',')};
                    of qdrant-cluster: ${RECOVERIES['qdrant-cluster'].faults.join(',')}; of postgres: ${RECOVERIES.postgres.faults.join(',')}; of app-server: ${RECOVERIES['app-server'].faults.join(',')}; of a recovery set: ${SET_FAULTS.join(',')})
  --all             every scenario
  --points N        seed N synthetic points as well, for scale
  --name NAME       name of the sandbox (default: drill)
  --keep            leave everything up afterwards, to look at
  --json            print one JSON object on stdout
  --help

Exit code: 0 when the verdict is pass, 1 when it is not, 2 for wrong use.
`;

const { values } = readArguments();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const scenario = PRACTICES.find((name) => name === values.scenario);
if (scenario === undefined) usage(`scenario: ${values.scenario} is not one of ${PRACTICES.join(', ')}`);
const points = values.points === undefined ? undefined : Number(values.points);
if (points !== undefined && !(Number.isInteger(points) && points >= 0))
  usage('points: must be a whole number, 0 or more');

const began = Date.now();
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const faults = values.fault?.split(',').map((name) => name.trim());
const possible = scenario === 'recovery-set' ? SET_FAULTS : Object.keys(known[RECOVERIES[scenario].system]);
const unknown = faults?.find((name) => !possible.includes(name));
if (unknown !== undefined) usage(`fault: ${unknown} is none of ${scenario}; there are ${possible.join(', ')}`);
if (values.all && values.keep) usage('keep: one sandbox can be kept, so choose one scenario instead of --all');

const results: DrillResult[] = [];
for (const name of values.all ? PRACTICES : [scenario]) await drill(name);
const verdict = overallVerdict(
  results.map(({ scenario: name, verdict: of }) => ({ name, verdict: of, expected: '', observed: '' })),
);
if (values.json) process.stdout.write(`${JSON.stringify(values.all ? { verdict, runs: results } : results[0])}\n`);
say(pc.dim(`the drill took ${describeSeconds((Date.now() - began) / 1000)}`));
process.exitCode = verdict === 'pass' ? 0 : 1;

async function drill(of: PracticeName): Promise<void> {
  const show = (result: DrillResult): void => {
    results.push(result);
    if (!values.json) say(renderDrill(result, pc));
  };
  const chosen = values.all ? undefined : faults;
  const { name, keep } = values;
  await practise({ scenario: of, faults: chosen, points, name, keep, say, show }).catch((error: unknown) =>
    show(failedDrill(of, error)),
  );
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
      scenario: { type: 'string', default: 'partial-loss' },
      fault: { type: 'string' },
      all: { type: 'boolean', default: false },
      points: { type: 'string' },
      name: { type: 'string', default: 'drill' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
}

function usage(problem: string): never {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(2);
}

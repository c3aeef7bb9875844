import { cancellationSignal } from '@temporalio/activity';
import type { StandbyConfig } from '../../config/qdrant-replacement.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import { nodesGate, replacementGate, versionGate } from '../../domain/replacement-gates.ts';
import type { ServerFacts } from '../../domain/server-facts.ts';
import type { ServerRef } from '../../domain/servers.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { ReplacementActivities, ReplacementSurvey } from '../cluster-contract.ts';
import { type Work, withProgress } from '../progress.ts';
import { type Environment, runProgram } from '../run-program.ts';
import { sleep } from '../sleep.ts';

/** Room that a restore may take at its height, in archives: uploaded, unpacked, indexed. */
const ROOM = 3;
const LAST_WORDS = 300;

export interface StandbyParts {
  /** Which server it is, and where. */
  readonly server: ServerRef;
  readonly url: string;
  readonly start?: StandbyConfig['start'];
  readonly stop?: StandbyConfig['stop'];
  readonly facts: ServerFacts;
  /** Whose vectors these are. */
  readonly environment: string;
  /** What its commands are given. */
  readonly variables: Environment;
  /** What must never be repeated, whoever prints it. */
  readonly secrets: readonly string[];
  /** How long it may take to answer once it was started, and between two looks. */
  readonly patience?: { readonly readyMs: number; readonly pollMs: number } | undefined;
}

const PATIENCE = { readyMs: 10 * 60_000, pollMs: 1_000 };

/** Another server of ours, which is there or which a command brings up. To be wrapped in `withFailures`. */
export function createStandbyReplacement(parts: StandbyParts): Omit<ReplacementActivities, 'wakeCluster'> {
  return {
    surveyReplacement: (input) => withProgress({}, () => survey(parts, input)),
    bringUpReplacement: (input) => withProgress(input, (work) => bringUp(parts, work)),
    releaseReplacement: () => release(parts),
  };
}

/** Reads only. A server that a command has yet to start can tell nothing. */
async function survey(
  parts: StandbyParts,
  { set, collection }: { set?: RecoverySet | undefined; collection: string },
): Promise<ReplacementSurvey> {
  const { server, url, start, facts } = parts;
  const what = `${server.kind === 'primary' ? 'the primary server' : 'the standby'} ${new URL(url).origin}`;
  const room =
    set && `whether it has ${describeCount(ROOM * set.qdrant.snapshot.bytes)} bytes free: Qdrant does not tell`;
  const unknown = room === undefined ? [] : [room];
  try {
    const version = await facts.version();
    const gates = [
      ...(set ? [versionGate(set, version)] : []),
      emptinessGate(parts, collection, await facts.collections()),
      ...(await facts.access()).filter(({ verdict }) => verdict === 'fail'),
      ...(set ? [nodesGate(set, await facts.nodes())] : []),
    ];
    return { server, what, gates, unknown };
  } catch (error) {
    if (!(error instanceof RecoveryError && error.code.startsWith('QDRANT_'))) throw error;
    if (start)
      return {
        server,
        what,
        gates: [],
        unknown: [`whether it fits: it is started first (${error.message})`, ...unknown],
      };
    return {
      server,
      what,
      gates: [replacementGate('reachable', 'fail', 'it answers, and takes our key', error.message)],
      unknown,
    };
  }
}

/** What stands there of somebody else is neither overwritten nor joined. */
function emptinessGate(
  { environment }: StandbyParts,
  collection: string,
  found: readonly { name: string; environment?: string | undefined; madeBy?: string | undefined }[],
): Gate {
  const foreign = found.find((one) => one.environment !== undefined && one.environment !== environment);
  const taken = found.find(({ name }) => name === collection);
  const wrong = foreign
    ? `${foreign.name} of the environment ${foreign.environment ?? ''} is there`
    : taken && `${taken.name} is there already`;
  return replacementGate(
    'free',
    wrong === undefined ? 'pass' : 'fail',
    `no ${collection}, and nothing of another environment`,
    wrong ?? 'free',
  );
}

async function bringUp(
  { server, url, start, facts, variables, secrets, patience = PATIENCE }: StandbyParts,
  { report, signal }: Work,
): Promise<{ server: ServerRef; url: string; version: string }> {
  if (start) {
    report({ phase: 'run the start command', done: 0, total: 1 });
    await runCommand('qdrantReplacement.standby.start', start, { variables, secrets, signal });
  }
  for (let waited = 0; ; waited += patience.pollMs) {
    report({
      phase: 'wait until it answers',
      done: Math.round(waited / 1000),
      total: Math.round(patience.readyMs / 1000),
    });
    try {
      // The collections are told only to whoever has the key.
      await facts.collections(signal);
      return { server, url: new URL(url).origin, version: await facts.version(signal) };
    } catch (error) {
      signal.throwIfAborted();
      const wait =
        error instanceof RecoveryError && (error.code === 'QDRANT_UNREACHABLE' || error.code === 'QDRANT_BUSY');
      if (!wait || !start || waited >= patience.readyMs) throw error;
    }
    await sleep(patience.pollMs, signal);
  }
}

async function release({ stop, variables, secrets }: StandbyParts): Promise<void> {
  if (stop)
    await runCommand('qdrantReplacement.standby.stop', stop, { variables, secrets, signal: cancellationSignal() });
}

interface CommandParts {
  readonly variables: Environment;
  readonly secrets: readonly string[];
  readonly signal: AbortSignal;
}

async function runCommand(
  setting: string,
  { run: [program = '', ...args], timeoutSeconds }: NonNullable<StandbyConfig['start']>,
  { variables, secrets, signal }: CommandParts,
): Promise<void> {
  const ended = await runProgram(program, args, { environment: variables, timeoutMs: timeoutSeconds * 1000, signal });
  if ('stdout' in ended) return;
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), ended.stderr.trim());
  const words = said === '' ? '' : `: ${said.slice(-LAST_WORDS)}`;
  throw new RecoveryError('REPLACEMENT_FAILED', `${setting}: ${program} ${ended.problem}${words}`);
}

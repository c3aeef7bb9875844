import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { loadConfig } from '../../config/load.ts';
import { FAILURES, RecoveryError } from '../../domain/failures.ts';
import type { RunReport, RunStatus } from '../../domain/report.ts';
import { composeActivities } from '../../workers/compose.ts';
import type { backUpStack } from '../../workflows/back-up-stack.ts';
import { abortSignal, statusQuery } from '../../workflows/messages.ts';
import type { verifyRecoverySet } from '../../workflows/verify-recovery-set.ts';
import { temporaryFolder } from './folder.ts';
import { COLLECTION, QUEUE, Scenario, until } from './scenario.ts';
import { workflowBundle } from './temporal.ts';

/** Without a second Qdrant: with one, the store is asked at every call which of the two is live. */
const ALONE = { QDRANT_STANDBY_URL: '', QDRANT_STANDBY_API_KEY: '', QDRANT_STANDBY_READ_ONLY_API_KEY: '' };

export type Activities = ReturnType<typeof composeActivities>;
export type BackupRun = WorkflowHandle<typeof backUpStack>;
type AnyRun = BackupRun | WorkflowHandle<typeof verifyRecoverySet>;

/** What a refusal says: its code, what is wrong, and what to do. */
export interface Said {
  readonly code: string;
  readonly message: string;
  readonly next: string;
  /** Step of the run that it ended or stopped in. */
  readonly step?: string | undefined;
}

type Tree = Readonly<Record<string, unknown>>;

/**
 * A sandbox whose worker is this process, and serves whatever settings it is handed. Activities, workflows and the
 * composition are the product's own.
 */
export class Surgery {
  readonly scenario: Scenario;
  /** Where dumps lie on their way. */
  readonly scratchDir = temporaryFolder('refusals-scratch');
  readonly store: string;
  readonly #folder = temporaryFolder('refusals');
  readonly #connection: NativeConnection;
  #acting: Activities;
  #worker: { readonly own: Worker; readonly ended: Promise<void> } | undefined;
  #runs = 0;

  private constructor(scenario: Scenario, connection: NativeConnection, acting: Activities) {
    this.scenario = scenario;
    this.#connection = connection;
    this.#acting = acting;
    this.store = scenario.stack.env['STORE_DIRECTORY'] ?? '';
  }

  static async open(): Promise<Surgery> {
    const scenario = await Scenario.start();
    await scenario.stack.kill('worker', 'SIGTERM');
    const connection = await NativeConnection.connect({ address: scenario.stack.env['TEMPORAL_ADDRESS'] ?? '' });
    const nobody = composeActivities(await loadConfig({ env: scenario.stack.env, cwd: scenario.stack.dir }));
    const surgery = new Surgery(scenario, connection, nobody);
    await surgery.#serve(Object.keys(nobody));
    return surgery;
  }

  async close(): Promise<void> {
    this.#worker?.own.shutdown();
    await this.#worker?.ended;
    await this.#connection.close();
    await this.scenario.stop();
  }

  /** One worker for all settings: a call goes to whichever activities are in force now. */
  async #serve(names: readonly string[]): Promise<void> {
    const forwarding = names.map((name) => [
      name,
      (...args: unknown[]): unknown =>
        (this.#acting as unknown as Record<string, (...given: unknown[]) => unknown>)[name]?.(...args),
    ]);
    const own = await Worker.create({
      connection: this.#connection,
      taskQueue: QUEUE,
      workflowBundle: await workflowBundle(),
      activities: Object.fromEntries(forwarding) as object,
    });
    this.#worker = { own, ended: own.run() };
  }

  /** Activities as a worker would have them that is started with the sandbox's settings and these over them. */
  async compose(settings: Tree = {}, env: NodeJS.ProcessEnv = {}): Promise<Activities> {
    const base = JSON.parse(readFileSync(this.scenario.stack.env['RECOVERY_CONFIG'] ?? '', 'utf8')) as Tree;
    const own = { postgres: { scratchDir: this.scratchDir }, configuration: { references: [] } };
    const file = join(this.#folder, `recovery-${(this.#runs += 1)}.config.json`);
    writeFileSync(file, JSON.stringify(merged(merged(base, own), settings)));
    return composeActivities(
      await loadConfig({
        env: { ...this.scenario.stack.env, ...ALONE, RECOVERY_CONFIG: '', ...env },
        cwd: this.#folder,
        file,
      }),
    );
  }

  /** A backup through Temporal by these activities. */
  backUp(activities: Activities): Promise<BackupRun> {
    this.#acting = activities;
    return this.scenario.client.workflow.start<typeof backUpStack>('backUpStack', {
      taskQueue: QUEUE,
      workflowId: `refusal/${(this.#runs += 1)}`,
      args: [{}],
    });
  }

  /** A full verification through Temporal by these activities. */
  verify(activities: Activities, setId: string): Promise<WorkflowHandle<typeof verifyRecoverySet>> {
    this.#acting = activities;
    return this.scenario.client.workflow.start<typeof verifyRecoverySet>('verifyRecoverySet', {
      taskQueue: QUEUE,
      workflowId: `refusal/${(this.#runs += 1)}`,
      args: [{ setId }],
    });
  }

  /** Everything that a run could leave half written, by what it is and where. */
  async everythingThere(): Promise<Record<string, unknown>> {
    const { scenario } = this;
    const collections = await scenario.collections();
    const snapshots = await Promise.all(
      collections.map((name) => scenario.qdrant('GET', `/collections/${encodeURIComponent(name)}/snapshots`)),
    );
    return {
      store: filesIn(this.store).filter((path) => !path.startsWith('runs/')),
      collections,
      snapshots: snapshots.map((answer) => (answer as { result: unknown }).result),
      points: await scenario.count(COLLECTION),
      databases: await scenario.databases(),
      scratch: readdirSync(this.scratchDir),
    };
  }
}

/** Objects are merged, all else is replaced; `null` takes a setting out. */
function merged(base: Tree, over: Tree): Tree {
  const entries = Object.entries(over).map(([key, value]): [string, unknown] => {
    const before = base[key];
    return [key, isTree(value) ? merged(isTree(before) ? before : {}, value) : value];
  });
  return Object.fromEntries(Object.entries({ ...base, ...Object.fromEntries(entries) }).filter(([, v]) => v !== null));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every file below a folder, hidden ones too; none when the folder is not there. */
export function filesIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  } catch {
    return [];
  }
}

/** What a worker says that is started with such settings. */
export async function saidAtStart(start: Promise<unknown>): Promise<Said> {
  const error = await start.then(
    () => new Error('the worker started'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RecoveryError)) throw error;
  return { code: error.code, message: error.message, next: FAILURES[error.code].next };
}

/** What an activity is refused with, or that it was not. */
export async function saidByActivity(
  activities: Activities,
  act: (all: Activities) => Promise<unknown>,
): Promise<Said> {
  const environment = new MockActivityEnvironment({ taskQueue: QUEUE }, { logger: new DefaultLogger('ERROR') });
  const error: unknown = await environment
    .run(() => act(activities))
    .then(
      (result) => new Error(`it was not refused: ${JSON.stringify(result)}`),
      (thrown: unknown) => thrown,
    );
  return saidIn(error);
}

function saidIn(error: unknown): Said {
  if (!(error instanceof ApplicationFailure)) throw error;
  const [detail] = error.details ?? [];
  return { code: error.type ?? '', message: error.message, next: String((detail as { next?: unknown }).next) };
}

/**
 * What a run is refused with. One that waits, for a person or for an outage to end, is ended by an abort.
 * @param mend called between what the run says and the abort
 */
export async function saidByRun(run: AnyRun, mend?: () => Promise<unknown>): Promise<Said> {
  const result = run.result().then(
    (report: RunReport) => new Error(`it was not refused: ${report.outcome}`),
    (thrown: unknown) => thrown,
  );
  let ended: unknown;
  void result.then((error) => (ended = error));
  await until(run, (status) => ended !== undefined || stopped(status));
  const status = await run.query(statusQuery);
  const { name: step, failure } = status.steps.find((one) => one.failure !== undefined) ?? {};
  if (ended instanceof Error) return { ...saidIn(ended.cause ?? ended), step };
  await mend?.();
  await run.signal(abortSignal, { by: 'ann' });
  await result;
  if (!failure || !status.awaiting?.includes(failure.message)) throw new Error(`it waits for ${status.awaiting}`);
  return { ...failure, step };
}

const stopped = ({ awaits }: RunStatus): boolean => awaits === 'operator' || awaits === 'outage';

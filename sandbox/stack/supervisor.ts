import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Keeper } from './keeper.ts';
import { PART_NAMES, type PartName, type PartPlan, type PartView } from './types.ts';
import { waitUntil } from './wait.ts';
import { Watchdog } from './watchdog.ts';

const READY_MS = 60_000;

interface Held {
  readonly plan: PartPlan;
  readonly keeper: Keeper | undefined;
  readonly log: string | null;
}

/** Keeps the parts of one sandbox: starts and ends them, and tells of each that ended by itself. */
export class Supervisor {
  readonly #held = new Map<PartName, Held>();
  readonly #served = new Set<PartName>();
  readonly #watchdog = new Watchdog();
  readonly #logs: string;
  readonly #tell: (message: string) => void;

  constructor(logs: string, tell: (message: string) => void) {
    this.#logs = logs;
    this.#tell = tell;
    mkdirSync(logs, { recursive: true });
  }

  get watchdogPid(): number | undefined {
    return this.#watchdog.pid;
  }

  /** Starts a new part and waits until it serves. @throws Error that names the part, and quotes the end of its log */
  async add(plan: PartPlan): Promise<void> {
    const { name, command } = plan;
    if (!command) {
      this.#held.set(name, { plan, keeper: undefined, log: null });
      return waitUntil(name, plan.ready, { deadlineMs: READY_MS });
    }
    this.hold(plan);
    await this.start(name);
  }

  /** Takes a part that is started later. */
  hold(plan: PartPlan): void {
    const { name, command } = plan;
    if (!command) throw new Error(`${name} has nothing to start`);
    const log = join(this.#logs, `${name}.log`);
    writeFileSync(log, '');
    const keeper = new Keeper(command, log, this.#watchdog, (how) => {
      // One that never served is the start's failure, which is told by an error.
      if (this.#served.has(name)) this.#tell(`${name} ended unexpectedly (${how}); the rest stays up. Its log: ${log}`);
    });
    this.#held.set(name, { plan, keeper, log });
  }

  async start(name: PartName): Promise<void> {
    const { keeper, plan } = this.#ours(name);
    this.#served.delete(name);
    await keeper.start();
    try {
      const why = (): string | undefined => (keeper.isRunning() ? undefined : `${name} ended (${keeper.ended ?? ''})`);
      await waitUntil(name, () => plan.ready(keeper.pid), { deadlineMs: READY_MS, why });
      this.#served.add(name);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}. The end of its log:\n${keeper.lastWords()}`, { cause: error });
    }
  }

  async kill(name: PartName, signal: NodeJS.Signals): Promise<void> {
    await this.#ours(name).keeper.kill(signal);
  }

  async stop(name: PartName): Promise<void> {
    await this.#held.get(name)?.keeper?.stop();
  }

  /** Ends every part, those that use others first. */
  async stopAll(): Promise<void> {
    for (const name of PART_NAMES.toReversed()) await this.stop(name);
    await this.#watchdog.close();
  }

  isRunning(name: PartName): boolean {
    const held = this.#held.get(name);
    return held !== undefined && (held.keeper === undefined || held.keeper.isRunning());
  }

  views(): PartView[] {
    return PART_NAMES.flatMap((name) => {
      const held = this.#held.get(name);
      return held ? [viewOf(held)] : [];
    });
  }

  #ours(name: PartName): Held & { keeper: Keeper } {
    const held = this.#held.get(name);
    if (!held) throw new Error(`${name} is no part of this sandbox`);
    const { keeper } = held;
    if (!keeper) throw new Error(`${name} was given by its address: the sandbox neither starts nor stops it`);
    return { ...held, keeper };
  }
}

function viewOf({ plan, keeper, log }: Held): PartView {
  const ended = keeper?.asked ? 'stopped' : 'crashed';
  const state = keeper ? (keeper.isRunning() ? 'running' : ended) : 'external';
  return { name: plan.name, state, address: plan.address, source: plan.source, log, pid: keeper?.pid ?? null };
}

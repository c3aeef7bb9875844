import { setTimeout as pause } from 'node:timers/promises';
import { type Operation, type OperationAction, OperationStatus } from '@neondatabase/api-client';
import { locked, notFound } from './errors.ts';
import type { Faults } from './faults.ts';
import { newUuid, now } from './ids.ts';
import type { OperationRecord, Work } from './state.ts';
import type { Store } from './store.ts';

const MOST_TRIES = 3;
const RETRY_MS = 300;
const MOST_KEPT = 500;

/** One operation of a chain that is to be begun. */
export interface Step {
  readonly action: OperationAction;
  readonly work: Work;
  readonly branch?: string | undefined;
  readonly endpoint?: string | undefined;
}

const OPEN: readonly OperationStatus[] = [
  OperationStatus.Scheduling,
  OperationStatus.Running,
  OperationStatus.Failed,
  OperationStatus.Cancelling,
];

interface Hands {
  readonly store: Store;
  readonly faults: Faults;
  readonly delayMs: number;
  perform(work: Work): Promise<void>;
  /** Clears away what would have been cleared by work that is not done any more. */
  abandon(work: Work): void;
}

/** The project's operations: one chain of them at a time, each done after the one before it. */
export class Operations {
  readonly #hands: Hands;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  get #records(): OperationRecord[] {
    return this.#hands.store.state.operations;
  }

  get busy(): boolean {
    return this.#records.some(({ operation }) => OPEN.includes(operation.status));
  }

  /** Begins a chain. @throws NeonError 423 while another runs */
  begin(steps: readonly Step[]): Operation[] {
    if (steps.length > 0 && this.busy) throw locked();
    const chain = newUuid();
    const records = steps.map((step) => this.#add(step, chain, OperationStatus.Scheduling));
    this.#hands.store.save();
    const begun = structuredClone(records.map(({ operation }) => operation));
    this.#running = this.#run(records);
    return begun;
  }

  /** Notes what happened outside any chain, such as a compute that a connection woke. */
  note(step: Omit<Step, 'work'>): void {
    this.#add({ ...step, work: { kind: 'nothing' } }, newUuid(), OperationStatus.Finished);
    this.#hands.store.save();
  }

  #add({ action, work, branch, endpoint }: Step, chain: string, status: OperationStatus): OperationRecord {
    const at = now();
    const operation: Operation = {
      id: newUuid(),
      project_id: this.#hands.store.state.project.id,
      ...(branch === undefined ? {} : { branch_id: branch }),
      ...(endpoint === undefined ? {} : { endpoint_id: endpoint }),
      action,
      status,
      failures_count: 0,
      created_at: at,
      updated_at: at,
      total_duration_ms: 0,
    };
    const record = { chain, work, operation };
    this.#records.push(record);
    this.#records.splice(0, this.#records.length - MOST_KEPT);
    return record;
  }

  /** Goes on with a chain that a crash interrupted. */
  resume(): void {
    this.#running = this.#run(this.#records.filter(({ operation }) => OPEN.includes(operation.status)));
  }

  async #run(records: readonly OperationRecord[]): Promise<void> {
    for (const [at, record] of records.entries()) {
      if (this.#closed) return;
      if (!(await this.#runOne(record))) return this.#abandon(records.slice(at));
    }
  }

  /** The first of these has failed for good. */
  #abandon(records: readonly OperationRecord[]): void {
    if (this.#closed) return;
    for (const { work } of records) this.#hands.abandon(work);
    for (const { operation } of records.slice(1)) this.#become(operation, OperationStatus.Cancelled);
    this.#hands.store.save();
  }

  /** Whether it was finished. One that fails is tried again a few times. */
  async #runOne({ operation, work }: OperationRecord): Promise<boolean> {
    const { delayMs, faults, perform } = this.#hands;
    const slow = faults.take('slow-operations', operation);
    await pause(delayMs);
    for (;;) {
      this.#become(operation, OperationStatus.Running);
      try {
        const fault = faults.take('operation-fails', operation);
        if (fault) return await this.#giveUpOrRetry(operation, work, fault.fatal ?? false);
        await pause((slow ? (slow.seconds ?? 5) * 1_000 : 0) + delayMs);
        await perform(work);
        this.#become(operation, OperationStatus.Finished);
        return true;
      } catch (error) {
        if (this.#closed) return false;
        operation.error = error instanceof Error ? error.message : String(error);
        if (operation.failures_count + 1 >= MOST_TRIES) {
          operation.failures_count += 1;
          this.#become(operation, OperationStatus.Error);
          return false;
        }
        await this.#fail(operation);
      }
    }
  }

  async #giveUpOrRetry(operation: Operation, work: Work, fatal: boolean): Promise<boolean> {
    operation.error = 'switched on: operation-fails';
    if (fatal) {
      operation.failures_count += 1;
      this.#become(operation, OperationStatus.Error);
      return false;
    }
    await this.#fail(operation);
    return this.#runOne({ operation, work, chain: '' });
  }

  async #fail(operation: Operation): Promise<void> {
    operation.failures_count += 1;
    operation.retry_at = new Date(Date.now() + RETRY_MS).toISOString();
    this.#become(operation, OperationStatus.Failed);
    await pause(RETRY_MS);
  }

  #become(operation: Operation, status: OperationStatus): void {
    operation.status = status;
    operation.updated_at = now();
    operation.total_duration_ms = Date.parse(operation.updated_at) - Date.parse(operation.created_at);
    if (status === OperationStatus.Finished) Reflect.deleteProperty(operation, 'error');
    this.#hands.store.save();
  }

  /** @throws NeonError 404 */
  get(id: string): Operation {
    const found = this.#records.find(({ operation }) => operation.id === id);
    if (!found) throw notFound(`operation ${id}`);
    return found.operation;
  }

  /** Newest first. The cursor is the last operation of the page before. */
  list(cursor: string | undefined, limit: number): { operations: Operation[]; cursor: string | undefined } {
    const all = this.#records.map(({ operation }) => operation).toReversed();
    const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
    const operations = all.slice(from, from + limit);
    return { operations, cursor: operations.at(-1)?.id ?? cursor };
  }

  /** Lets the running operation end and begins no other. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }
}

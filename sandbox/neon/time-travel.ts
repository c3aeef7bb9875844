import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { OperationAction } from '@neondatabase/api-client';
import { Cluster } from './cluster.ts';
import type { Moment } from './moments.ts';
import type { Operations } from './operations.ts';
import type { BranchRecord } from './state.ts';
import type { Timelines } from './timelines.ts';

export const TEMPORARY = 'tt-';

interface Compute {
  readonly cluster: Cluster;
  readonly branch: string;
  lastUsed: number;
}

/** Read-only clusters that show a branch as it was: they come with a connection and go some time after its last query. */
export class TimeTravel {
  readonly #timelines: Timelines;
  readonly #operations: Pick<Operations, 'note'>;
  readonly #idleMs: number;
  readonly #computes = new Map<string, Promise<Compute>>();

  constructor(timelines: Timelines, operations: Pick<Operations, 'note'>, idleSeconds: number) {
    this.#timelines = timelines;
    this.#operations = operations;
    this.#idleMs = idleSeconds * 1_000;
  }

  /** The cluster that shows `branch` at a moment, and what to call when it is used. */
  async open(branch: BranchRecord, { target }: Moment): Promise<{ cluster: Cluster; touch: () => void }> {
    const key = `${branch.timeline} ${JSON.stringify(target)}`;
    for (;;) {
      const opening = this.#computes.get(key) ?? this.#start(branch, target);
      this.#computes.set(key, opening);
      const compute = await opening.catch((error: unknown) => {
        this.#computes.delete(key);
        throw error;
      });
      // It may have been ended, or have died, meanwhile.
      if (this.#computes.get(key) === opening && compute.cluster.running) {
        compute.lastUsed = Date.now();
        return { cluster: compute.cluster, touch: () => void (compute.lastUsed = Date.now()) };
      }
      if (this.#computes.get(key) === opening) this.#computes.delete(key);
    }
  }

  /**
   * Recovers and promotes first: a recovery that is only paused still has the locks of what was in the middle then, such
   * as a TRUNCATE that was about to commit.
   */
  async #start(branch: BranchRecord, target: Moment['target']): Promise<Compute> {
    const { history } = this.#timelines;
    await this.#timelines.archiveBeyond(branch.timeline, target);
    const lineage = history.lineage(branch.timeline);
    const folder = await history.prepare(TEMPORARY + randomBytes(4).toString('hex'));
    await history.copyBase(lineage, folder);
    const recovered = await Cluster.start(history.environment, folder, history.recovery(lineage, target), 'promoted');
    await recovered.stop();
    await history.signal(folder, 'standby');
    const cluster = await Cluster.start(history.environment, folder, {}, 'open');
    for (const action of [OperationAction.CreateBranch, OperationAction.StartCompute]) {
      this.#operations.note({ action, branch: branch.id });
    }
    return { cluster, branch: branch.id, lastUsed: Date.now() };
  }

  /** Ends those that nobody has used for long enough, with their connections. */
  async tidy(): Promise<void> {
    for (const [key, opening] of this.#computes) {
      const compute = await opening.catch(() => undefined);
      if (!compute || Date.now() - compute.lastUsed < this.#idleMs) continue;
      this.#computes.delete(key);
      await this.#end(compute);
    }
  }

  async #end({ cluster, branch }: Compute): Promise<void> {
    await cluster.stop();
    await rm(cluster.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    for (const action of [OperationAction.SuspendCompute, OperationAction.DeleteTimeline]) {
      this.#operations.note({ action, branch });
    }
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled([...this.#computes.values()]);
    this.#computes.clear();
    for (const one of all) if (one.status === 'fulfilled') await this.#end(one.value);
  }
}

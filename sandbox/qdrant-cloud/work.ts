import { messageOf } from './errors.ts';
import type { Ground } from './ground.ts';
import type { ClusterRecord, Phase } from './model.ts';

const FAILED: Partial<Record<Phase, Phase>> = { CREATING: 'FAILED_TO_CREATE', RESUMING: 'FAILED_TO_RESUME' };

/** What clusters are at, one thing after the other. */
export class Work {
  readonly #ground: Ground;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  isUnderWay(clusterId: string): boolean {
    return this.#underWay.has(clusterId);
  }

  /**
   * Puts a cluster into a phase, does the work when what it is at has ended, and puts it into the phase that the work has
   * led to, unless something else has been begun meanwhile.
   */
  begin(cluster: ClusterRecord, phase: Phase, reason: string, work: () => Promise<Phase>): Promise<void> {
    const { jobs, state } = this.#ground;
    Object.assign(cluster, { phase, reason });
    state.save();
    const before = this.#underWay.get(cluster.id) ?? Promise.resolve();
    const job = jobs.run(async () => {
      await before;
      const outcome = await attempt(phase, work);
      if (jobs.signal.aborted || this.#underWay.get(cluster.id) !== job) return;
      this.#underWay.delete(cluster.id);
      Object.assign(cluster, outcome);
      state.save();
    });
    this.#underWay.set(cluster.id, job);
    return job;
  }
}

async function attempt(phase: Phase, work: () => Promise<Phase>): Promise<Pick<ClusterRecord, 'phase' | 'reason'>> {
  try {
    return { phase: await work(), reason: '' };
  } catch (error) {
    return { phase: FAILED[phase] ?? 'NOT_READY', reason: messageOf(error) };
  }
}

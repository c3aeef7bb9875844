import { type Phase, PHASES } from './report.ts';

/** Splits the time from the declaration of the fault to green gates into the phases in which it passed. */
export class PhaseClock {
  readonly #spent = new Map<Phase, number>();
  #phase: Phase = 'detect';
  #since: number;
  #stoppedAt: number | undefined;

  constructor(faultDeclaredAt: Date) {
    this.#since = faultDeclaredAt.getTime();
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** From now on, time belongs to `phase`. */
  enter(phase: Phase, now: Date): void {
    this.#book(now);
    this.#phase = phase;
  }

  /** Every gate is green: the RTO ends here, whatever comes after. */
  stop(now: Date): void {
    this.#book(now);
    this.#stoppedAt ??= now.getTime();
  }

  /** Stops being stopped: the recovery was undone, so there was none. */
  void(): void {
    this.#stoppedAt = undefined;
  }

  get recoveredAt(): Date | undefined {
    return this.#stoppedAt === undefined ? undefined : new Date(this.#stoppedAt);
  }

  /** Seconds by phase, in the order of the phases; phases that took no time are left out. */
  seconds(): Record<string, number> {
    return Object.fromEntries(
      PHASES.flatMap((phase) => {
        const spent = this.#spent.get(phase);
        return spent === undefined || spent === 0 ? [] : [[phase, spent / 1000]];
      }),
    );
  }

  #book(now: Date): void {
    if (this.#stoppedAt !== undefined) return;
    // A fault that was declared "later" than now (clocks differ) has taken no time, not a negative one.
    this.#spent.set(this.#phase, (this.#spent.get(this.#phase) ?? 0) + Math.max(0, now.getTime() - this.#since));
    this.#since = now.getTime();
  }
}

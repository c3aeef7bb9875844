import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { type Trouble, troubleOf } from './failure.ts';
import { handsWith } from './hands.ts';
import type { Desk } from './desk.ts';
import type { RunRecord } from './record.ts';
import { Stop } from './stop.ts';

const PAUSES_S = [2, 4, 8, 15, 30] as const;
const LONG_PAUSE_S = 60;
/** After this many waits in a row people are told, and the outage is looked at less often. */
const PATIENCE = 10;
const IMPATIENT_PAUSE_S = 300;

/** Progress of failed calls by activity: where the same call goes on from. */
export type Resume = Map<string, NonNullable<Trouble['progress']>>;

/** How a run waits: for an outage to end, for a person to answer, for a clock. An abort ends every wait. */
export class Attendance {
  readonly #record: RunRecord;
  readonly #desk: Desk;

  constructor(record: RunRecord, desk: Desk) {
    this.#record = record;
    this.#desk = desk;
  }

  /** Waits until `met`, or for `seconds` when given. @returns whether it was met @throws Stop when the run is aborted */
  async until(met: () => boolean, seconds?: number, summary = 'wait'): Promise<boolean> {
    const done = (): boolean => met() || this.#desk.aborted !== undefined;
    const settled =
      seconds === undefined
        ? await condition(done).then(() => true)
        : await condition(done, seconds * 1000, { summary: summary.slice(0, 200) });
    if (this.#desk.aborted) throw new Stop('aborted');
    return settled;
  }

  /**
   * Waits like `until`, and tells people again, more urgently each time, while nobody gives a sign: a decision, also a refused
   * one, or a note.
   */
  async untilSomebody(
    met: () => boolean,
    { seconds, escalateMinutes, summary }: { seconds: number; escalateMinutes?: number | undefined; summary: string },
  ): Promise<boolean> {
    if (escalateMinutes === undefined) return this.until(met, seconds, summary);
    const began = Date.now();
    const signsOf = (): number => this.#record.status().decisions.length;
    const signs = signsOf();
    for (let told = 1; ; told += 1) {
      const left = seconds - (Date.now() - began) / 1000;
      const pause = Math.min(left, escalateMinutes * 60);
      if (pause <= 0) return met();
      const sign = (): boolean => met() || signsOf() > signs;
      if (await this.until(sign, pause, summary)) break;
      if (Date.now() - began >= seconds * 1000) return met();
      const waited = Math.round((Date.now() - began) / 60_000);
      await this.tell('escalation', `${summary}: nobody has answered for ${waited} min (message ${told + 1})`, true);
    }
    return met() || this.until(met, Math.max(0.001, seconds - (Date.now() - began) / 1000), summary);
  }

  /** Runs a body that an abort interrupts: its activities are cancelled, and waited for. */
  async interruptible<T>(body: () => Promise<T>): Promise<T> {
    if (this.#desk.aborted) throw new Stop('aborted');
    const scope = new CancellationScope();
    let running = true;
    const watch = condition(() => !running || this.#desk.aborted !== undefined).then(() => {
      if (running) scope.cancel();
    });
    try {
      return await scope.run(body);
    } finally {
      running = false;
      await watch.catch(() => undefined);
    }
  }

  /**
   * What follows a failed attempt at a step: an outage is waited out, a person is asked about the rest.
   * @returns true when a person skipped the step, false when it is to be tried again
   * @throws the error itself when the run must end
   */
  async afterFailure(step: string, error: unknown, attempts: number, resume: Resume): Promise<boolean> {
    if (isCancellation(error) || error instanceof Stop) throw error;
    const trouble = troubleOf(error);
    if (trouble.activity !== undefined && trouble.progress) resume.set(trouble.activity, trouble.progress);
    this.#record.update(step, { failure: trouble.view });
    if (trouble.retry === 'refuse') {
      this.#record.update(step, { state: 'failed', endedAt: new Date().toISOString() });
      throw error;
    }
    this.#record.update(step, { state: 'waiting' });
    await (trouble.retry === 'wait' ? this.#waitOut(step, trouble, attempts) : this.#ask(step, trouble));
    const { answer } = this.#desk;
    this.#desk.expect(undefined);
    this.#record.await(undefined);
    if (typeof answer !== 'object') return false;
    this.#record.update(step, { state: 'skipped', skipped: answer.skip, endedAt: new Date().toISOString() });
    return true;
  }

  /** Tells people. A message that cannot be delivered is noted, and never stops a recovery. */
  async tell(event: string, message: string, urgent: boolean): Promise<void> {
    try {
      await handsWith(`Notify: ${event}`).notify({ event, message, urgent });
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#record.note(`nobody could be notified of ${event}: ${troubleOf(error).view.message}`);
    }
  }

  async #waitOut(step: string, { view }: Trouble, attempts: number): Promise<void> {
    const seconds = attempts > PATIENCE ? IMPATIENT_PAUSE_S : (PAUSES_S[attempts - 1] ?? LONG_PAUSE_S);
    this.#desk.expect('outage');
    this.#record.await(`${view.message}. Next try in ${seconds} s, or retryStep now`);
    if (attempts === PATIENCE) await this.tell('still-waiting', `${step}: ${view.message} — ${view.next}`, true);
    await this.until(() => this.#desk.answer !== undefined, seconds, `waiting: ${view.code}`);
  }

  async #ask(step: string, { view }: Trouble): Promise<void> {
    const choices = this.#desk.skippable ? 'retryStep, skipStep or abort' : 'retryStep or abort';
    this.#desk.expect('operator');
    this.#record.await(`${choices}: ${view.message} — ${view.next}`);
    await this.tell('step-failed', `${step}: ${view.message} — ${view.next} Waiting for ${choices}.`, true);
    await this.until(() => this.#desk.answer !== undefined);
  }
}

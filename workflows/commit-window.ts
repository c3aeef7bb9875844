import type { Phase } from '../domain/report.ts';
import { clockIn } from './moments.ts';
import type { Attendance } from './attendance.ts';
import type { Desk } from './desk.ts';
import { type Hands, handsWith } from './hands.ts';
import type { RunRecord } from './record.ts';
import { Stop } from './stop.ts';

/** What is looked at in the commit window. */
export interface Watch {
  readonly everySeconds: number;
  /** Looks once. @returns why everything must be put back; `undefined` while it must not */
  readonly look: (act: Hands) => Promise<string | undefined>;
  /** Whether the last look leaves a doubt: then the clock does not commit, and looking goes on. */
  readonly unsettled?: () => boolean;
}

interface Keeping {
  readonly record: RunRecord;
  readonly desk: Desk;
  readonly attendance: Attendance;
}

interface Window {
  readonly name: string;
  readonly title: string;
  readonly phase: Phase;
  readonly minutes: number;
}

/** Waits for a decision, or for the clock. @throws Stop when everything is to be put back */
export async function holdCommitWindow(keeping: Keeping, window: Window, watch: Watch | undefined): Promise<void> {
  const { record, desk, attendance } = keeping;
  const { name, phase, minutes } = window;
  record.enter(phase);
  record.update(name, { state: 'waiting', startedAt: new Date().toISOString(), attempts: 1 });
  if (minutes > 0) {
    desk.expect('commit');
    record.await(`commit or rollBack; commits by itself at ${clockIn(minutes)}`);
    await attendance.tell('recovered', `verdict ${record.verdict}; commit, or roll back within ${minutes} min`, false);
    await waitAndWatch(keeping, window, watch);
  }
  const rolledBack = desk.answer === 'rollBack';
  const byHand = desk.answer === 'commit';
  desk.expect(undefined);
  record.await(undefined);
  const byItself = minutes > 0 ? 'committed by the clock' : 'committed at once';
  const result = rolledBack ? 'rolled back' : byHand ? 'committed' : byItself;
  record.update(name, { state: 'done', endedAt: new Date().toISOString(), result });
  if (rolledBack) throw new Stop('rolled-back');
}

async function waitAndWatch(
  { record, desk, attendance }: Keeping,
  { name, title, minutes }: Window,
  watch: Watch | undefined,
): Promise<void> {
  const answered = (): boolean => desk.answer !== undefined;
  const seconds = minutes * 60;
  const end = Date.now() + seconds * 1000;
  const open = (left: number): boolean => left > 0 || watch?.unsettled?.() === true;
  for (let left = seconds; open(left) && !answered(); left = (end - Date.now()) / 1000) {
    const every = watch?.everySeconds ?? left;
    const pause = left > 0 ? Math.min(left, every) : every;
    if (await attendance.until(answered, pause, title)) return;
    if (!watch || (Date.now() >= end && watch.unsettled?.() !== true)) continue;
    const why = await attendance.interruptible(() => watch.look(handsWith(`Watch: ${title}`)));
    if (why === undefined || answered()) continue;
    record.update(name, { state: 'done', endedAt: new Date().toISOString(), result: 'rolled back by itself' });
    record.note(`rolled back by itself: ${why}`);
    await attendance.tell('rolling-back', `rolling back by itself: ${why}`, true);
    throw new Stop('rolled-back');
  }
}

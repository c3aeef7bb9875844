import type { Progress } from '../../activities/contract.ts';
import type { Work } from '../../activities/progress.ts';

/** What an activity is handed, outside a worker: keeps what was reported, and can be cancelled. */
export interface TestWork extends Work {
  readonly reported: Progress[];
  cancel(): void;
}

export function testWork(resume?: Progress): TestWork {
  const reported: Progress[] = [];
  const controller = new AbortController();
  return {
    resume,
    signal: controller.signal,
    report: (progress) => void reported.push(progress),
    reported,
    cancel: () => controller.abort(new Error('cancelled')),
  };
}

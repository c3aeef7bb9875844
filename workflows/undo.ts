import { CancellationScope, sleep } from '@temporalio/workflow';
import type { UndoRecord } from '../domain/report.ts';
import { troubleOf } from './failure.ts';
import { type Hands, handsWith } from './hands.ts';

type Act = (act: Hands) => Promise<unknown>;

const TRIES = 1_440;
const LONGEST_PAUSE_S = 60;

/**
 * What must be undone, registered before the act: a step that timed out may well have acted. Undone in reverse, where no
 * cancellation reaches, each with its own retries; a failure is reported and does not keep the rest from being undone.
 */
export class UndoStack {
  readonly #kind: UndoRecord['kind'];
  readonly #acts: { title: string; act: Act }[] = [];

  constructor(kind: UndoRecord['kind']) {
    this.#kind = kind;
  }

  push(title: string, act: Act): void {
    this.#acts.push({ title, act });
  }

  /** Forgets what could have been undone: the recovery is committed. */
  clear(): void {
    this.#acts.length = 0;
  }

  async run(tell: (record: UndoRecord) => void): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      for (let next = this.#acts.pop(); next; next = this.#acts.pop())
        tell({ kind: this.#kind, ...(await attempt(next.title, next.act)) });
    });
  }
}

async function attempt(title: string, act: Act): Promise<Omit<UndoRecord, 'kind'>> {
  for (let tries = 1; ; tries += 1) {
    try {
      const left = leftAlone(await act(handsWith(`Undo: ${title}`)));
      if (left === 0) return { title, outcome: 'done' };
      return { title, outcome: 'partial', message: `${left} points were changed by others since, and left alone` };
    } catch (error) {
      const { view, retry } = troubleOf(error);
      // Undoing waits out an outage for about a day; it never gives up silently.
      if (retry === 'refuse' || tries >= (retry === 'wait' ? TRIES : 3)) {
        return { title, outcome: 'failed', message: `${view.message} — ${view.next}` };
      }
      await sleep(Math.min(LONGEST_PAUSE_S, 2 ** tries) * 1000, {
        summary: `Undo: ${title}: waiting, ${view.code}`.slice(0, 200),
      });
    }
  }
}

/** How many points an undo did not dare to touch, where it says so. */
function leftAlone(result: unknown): number {
  return typeof result === 'object' && result !== null && 'newer' in result && typeof result.newer === 'number'
    ? result.newer
    : 0;
}

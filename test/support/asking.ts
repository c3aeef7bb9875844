import { setTimeout as pause } from 'node:timers/promises';
import { readGoldenQuestions } from '../../sandbox/seed-textbook.ts';

const REQUEST_MS = 20_000;
const BETWEEN_MS = 60;

/** What the app answered to a golden question, as a reader got it. */
export interface Asked {
  readonly question: string;
  readonly at: number;
  /** `wrong`: an answer with none of the question's sources. */
  readonly outcome: 'right' | 'wrong' | 'refused';
}

/** Asks golden questions, one after the other, without an end, and writes down what came back. */
export class Asking {
  readonly answers: Asked[] = [];
  readonly #url: string;
  readonly #enough = new AbortController();
  readonly #working: Promise<void>;

  constructor(appUrl: string) {
    this.#url = appUrl;
    this.#working = this.#goOn();
  }

  async stop(): Promise<readonly Asked[]> {
    this.#enough.abort();
    await this.#working;
    return this.answers;
  }

  async #goOn(): Promise<void> {
    const questions = await readGoldenQuestions();
    for (let at = 0; !this.#enough.signal.aborted; at += 1) {
      const asked = questions[at % questions.length];
      if (asked) this.answers.push(await this.#ask(asked));
      await pause(BETWEEN_MS);
    }
  }

  async #ask({ question, sources }: { question: string; sources: readonly string[] }): Promise<Asked> {
    const at = Date.now();
    try {
      const response = await fetch(`${this.#url}/ask`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ question }),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      if (!response.ok) {
        await response.body?.cancel();
        return { question, at, outcome: 'refused' };
      }
      const { citations } = (await response.json()) as { citations: { source: string }[] };
      const right = citations.some(({ source }) => sources.includes(source));
      return { question, at, outcome: right ? 'right' : 'wrong' };
    } catch {
      return { question, at, outcome: 'refused' };
    }
  }
}

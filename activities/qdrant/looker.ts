import type { Look } from '../../domain/cluster-probe.ts';
import { property } from './failure.ts';
import { findingOf } from './finding.ts';

const LONGEST = 300;

/** What a look brings. A finding of its own where the answer alone does not tell. */
export interface Seen {
  readonly status: number;
  readonly said: string;
  readonly finding?: Look['finding'] | undefined;
}

/** Takes looks: each ends in time, throws nothing, and tells no secret. */
export class Looker {
  readonly #timeoutMs: number;
  readonly #slowMs: number;
  readonly #secrets: readonly string[];

  constructor(parts: { timeoutMs: number; slowMs: number; secrets: readonly string[] }) {
    this.#timeoutMs = parts.timeoutMs;
    this.#slowMs = parts.slowMs;
    this.#secrets = parts.secrets;
  }

  static untried(depth: Look['depth'], said: string): Look {
    return { depth, finding: 'untried', said, milliseconds: 0 };
  }

  async look(depth: Look['depth'], how: (signal: AbortSignal) => Promise<Seen>): Promise<Look> {
    const from = performance.now();
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const seen = await inTime(how(signal), signal);
      const milliseconds = performance.now() - from;
      const finding = seen.finding ?? findingOf({ ...seen, depth });
      const slow = finding === 'ok' && milliseconds > this.#slowMs;
      return { depth, finding: slow ? 'busy' : finding, said: this.#safe(seen.said), milliseconds };
    } catch (error) {
      const silence = signal.aborted ? 'no answer in time' : wordOf(error);
      const milliseconds = performance.now() - from;
      return { depth, finding: findingOf({ silence, depth }), said: this.#safe(silence), milliseconds };
    }
  }

  #safe(said: string): string {
    const clean = this.#secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), said);
    return clean.replace(/\s+/g, ' ').trim().slice(0, LONGEST);
  }
}

/** Not everything that is asked heeds a signal. */
async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
  return Promise.race([work, late]);
}

/** What an error says, with the system's own word for it. */
function wordOf(error: unknown): string {
  const [code, message] = [property(error, 'code'), property(error, 'message')].map((word) =>
    typeof word === 'string' ? word : '',
  );
  if (property(error, 'name') === 'RecoveryError' || !code || message?.includes(code)) return message || String(error);
  return `${code} ${message}`.trim();
}

import type { Look } from '../../domain/cluster-probe.ts';
import { lookInTime, safeWords } from '../look.ts';
import { findingOf } from './finding.ts';

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
    const { milliseconds, ...looked } = await lookInTime(this.#timeoutMs, how);
    if ('silence' in looked) {
      const { silence } = looked;
      return { depth, finding: findingOf({ silence, depth }), said: safeWords(silence, this.#secrets), milliseconds };
    }
    const { seen } = looked;
    const finding = seen.finding ?? findingOf({ ...seen, depth });
    const slow = finding === 'ok' && milliseconds > this.#slowMs;
    return { depth, finding: slow ? 'busy' : finding, said: safeWords(seen.said, this.#secrets), milliseconds };
  }
}

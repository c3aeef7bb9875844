import { setTimeout as sleep } from 'node:timers/promises';
import type { Chatbot } from './chatbot.ts';
import type { Mode } from './mode.ts';

const DEADLINE_MS = 3_000;

interface Check {
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly problem?: string;
}

export interface DeepHealth {
  readonly status: 'ok' | 'degraded';
  /** `read-only` is no fault: somebody wants it so. */
  readonly mode: Mode;
  readonly checks: Readonly<Record<'qdrant' | 'postgres' | 'embeddings', Check>>;
}

/** Touches everything that an answer needs, each within three seconds. */
export async function checkDeeply(
  { vectors, pool, embeddings, misbehaviour }: Chatbot,
  mode: Mode,
): Promise<DeepHealth> {
  const [qdrant, postgres, embedding] = await Promise.all([
    check(() => vectors.check()),
    check(() => pool.query('SELECT FROM chunks LIMIT 1')),
    check(async () => {
      misbehaviour?.beforeEmbedding();
      return embeddings.embedOne('Are you there?', DEADLINE_MS);
    }),
  ]);
  const checks = { qdrant, postgres, embeddings: embedding };
  return { status: Object.values(checks).every(({ ok }) => ok) ? 'ok' : 'degraded', mode, checks };
}

async function check(look: () => Promise<unknown>): Promise<Check> {
  const startedAt = performance.now();
  const stop = new AbortController();
  const late = sleep(DEADLINE_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`no answer within ${DEADLINE_MS / 1000} s`);
  });
  const passed = (): number => Math.round(performance.now() - startedAt);
  try {
    await Promise.race([look(), late]);
    return { ok: true, milliseconds: passed() };
  } catch (error) {
    return { ok: false, milliseconds: passed(), problem: messageOf(error) };
  } finally {
    stop.abort();
    late.catch(() => undefined);
  }
}

/** A refused connection to several addresses is an error whose own message is empty. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

import { z } from 'zod';
import type { GoldenQuestion } from '../domain/recovery-set.ts';
import { postJson } from './app/http.ts';
import type { OnProgress, Stores } from './seed-context.ts';

const SESSIONS = 3;
const QUESTIONS_EACH = 2;
const HEALTH_MS = 2_000;
const ASK_MS = 30_000;

const sessionSchema = z.object({ sessionId: z.uuid() });
const answerSchema = z.object({ citations: z.array(z.unknown()) });

/** A few conversations, held through the app itself. None when the app is not up, or when people have talked already. */
export async function seedSessions(
  { pool, appUrl }: Stores,
  questions: readonly GoldenQuestion[],
  onProgress: OnProgress,
): Promise<number> {
  if (appUrl === undefined || !(await isUp(appUrl))) return 0;
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM sessions');
  const missing = SESSIONS - (rows[0]?.count ?? 0);
  const everyFew = Math.floor(questions.length / (SESSIONS * QUESTIONS_EACH));
  for (let session = 0; session < missing; session += 1) {
    const { sessionId } = await call(`${appUrl}/sessions`, {}, sessionSchema);
    for (let turn = 0; turn < QUESTIONS_EACH; turn += 1) {
      const question = questions[(session * QUESTIONS_EACH + turn) * everyFew]?.question;
      if (question !== undefined) await call(`${appUrl}/ask`, { question, sessionId }, answerSchema);
    }
    onProgress({ phase: 'sessions', done: session + 1, total: missing });
  }
  return Math.max(0, missing);
}

function call<T>(url: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
  return postJson({ url, body, deadlineMs: ASK_MS }, schema);
}

async function isUp(appUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${appUrl}/health`, { signal: AbortSignal.timeout(HEALTH_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}

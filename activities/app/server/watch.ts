import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { AppLoad } from '../../../domain/app-load.ts';
import { lookInTime, safeWords } from '../../look.ts';
import { createChatApp } from '../client.ts';
import { type AskedApp, secretsOf } from './place.ts';

/** A question, and whether a sound app is known to answer it with citations. */
export interface WatchQuestion {
  readonly question: string;
  readonly cites: boolean;
}

interface Parts {
  readonly watch: AppServersConfig['watch'];
  /** The app as its readers reach it. */
  readonly routed: () => Promise<AskedApp>;
}

interface Look {
  readonly questions: readonly WatchQuestion[];
  /** How many looks came before: each goes on where the last one ended. */
  readonly from: number;
}

/** Some requests, one after the other, the way readers come: questions, and health where there are none. Nothing is thrown. */
export async function watchApp(
  { watch, routed }: Parts,
  { questions, from }: Look,
  cancelled?: AbortSignal,
): Promise<AppLoad> {
  const asked = await routed();
  const app = createChatApp(asked);
  const at = new Date().toISOString();
  const times: number[] = [];
  const failures: string[] = [];
  for (let nth = 0; nth < watch.requests; nth += 1) {
    const question = questions[(from * watch.requests + nth) % Math.max(1, questions.length)];
    const how = (signal: AbortSignal): Promise<string | undefined> =>
      question ? answers(app, question, signal) : app.checkHealth(signal).then(() => undefined);
    const looked = await lookInTime(watch.lookSeconds * 1_000, how, cancelled);
    times.push(looked.milliseconds);
    const wrong = 'silence' in looked ? looked.silence : looked.seen;
    if (wrong !== undefined) failures.push(safeWords(wrong, secretsOf(asked)));
  }
  const [said] = failures;
  return { at, requests: times.length, failed: failures.length, p95: quantile(times, 0.95), ...(said ? { said } : {}) };
}

/** An answer that cites nothing, to a question that was answered with citations, is none, though it comes with status 200. */
async function answers(
  app: ReturnType<typeof createChatApp>,
  { question, cites }: WatchQuestion,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { answer, cited } = await app.ask(question, signal);
  if (answer.trim() === '') return 'an empty answer';
  return cites && cited.length === 0 ? `“${question}” cites nothing` : undefined;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

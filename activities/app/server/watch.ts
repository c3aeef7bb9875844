import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { AppConfig } from '../../../config/schema.ts';
import type { AppLoad } from '../../../domain/app-load.ts';
import type { GoldenQuestion } from '../../../domain/recovery-set.ts';
import { lookInTime, safeWords } from '../../look.ts';
import { createChatApp } from '../client.ts';
import { secretsOf } from './place.ts';

interface Parts {
  readonly watch: AppServersConfig['watch'];
  /** The app as its readers reach it. */
  readonly routed: AppConfig;
  readonly questions: () => Promise<readonly GoldenQuestion[]>;
}

/** Some requests, one after the other, the way readers come: questions, and health where there are none. Nothing is thrown. */
export async function watchApp({ watch, routed, questions }: Parts): Promise<AppLoad> {
  const asked = await questions().catch(() => []);
  const app = createChatApp(routed);
  const at = new Date().toISOString();
  const times: number[] = [];
  const failures: string[] = [];
  for (let nth = 0; nth < watch.requests; nth += 1) {
    const question = asked[nth % Math.max(1, asked.length)];
    const looked = await lookInTime(watch.lookSeconds * 1_000, (signal) =>
      question ? answers(app, question, signal) : app.checkHealth(signal).then(() => undefined),
    );
    times.push(looked.milliseconds);
    const wrong = 'silence' in looked ? looked.silence : looked.seen;
    if (wrong !== undefined) failures.push(safeWords(wrong, secretsOf(routed)));
  }
  const [said] = failures;
  return { at, requests: times.length, failed: failures.length, p95: quantile(times, 0.95), ...(said ? { said } : {}) };
}

/** An answer that cites nothing is none: that of a release which has gone bad still comes with status 200. */
async function answers(
  app: ReturnType<typeof createChatApp>,
  { question }: GoldenQuestion,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { answer, cited } = await app.ask(question, signal);
  if (answer.trim() === '') return 'an empty answer';
  return cited.length === 0 ? `“${question}” cites nothing` : undefined;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

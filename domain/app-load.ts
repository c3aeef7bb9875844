import { z } from 'zod';
import type { Gate } from './verdict.ts';

/** Requests that were sent through the router within some seconds, and what came back. */
export const appLoadSchema = z.strictObject({
  at: z.iso.datetime(),
  requests: z.int().nonnegative(),
  /** No answer, an error, or an answer that a sound app does not give. */
  failed: z.int().nonnegative(),
  /** 95th percentile of the answers, in milliseconds. */
  p95: z.number().nonnegative(),
  /** The first failure, for people. */
  said: z.string().max(300).optional(),
});
export type AppLoad = z.infer<typeof appLoadSchema>;

/** When a server that has taken over is given up. */
export interface LoadLimits {
  /** Share of requests that may fail. */
  readonly errorRate: number;
  /** 95th percentile, in milliseconds. */
  readonly p95: number;
  /** Looks in a row that must be over a limit. */
  readonly patience: number;
}

/** Why the last looks say that the server must be given up; `undefined` while they do not. */
export function mustGiveUp(loads: readonly AppLoad[], limits: LoadLimits): string | undefined {
  const recent = loads.slice(-limits.patience);
  if (recent.length < limits.patience) return undefined;
  const bad = recent.map((load) => overLimit(load, limits));
  return bad.every((one) => one !== undefined) ? `${limits.patience} looks in a row: ${bad.at(-1) ?? ''}` : undefined;
}

/** The last look as a gate: what readers got at the end of the commit window. */
export function loadGate(load: AppLoad, limits: LoadLimits): Gate {
  const share = Math.round(limits.errorRate * 100);
  const wrong = overLimit(load, limits);
  return {
    name: 'readers',
    verdict: wrong === undefined ? 'pass' : 'fail',
    expected: `at most ${share} % of the requests fail, and 95 % are answered within ${limits.p95} ms`,
    observed: wrong ?? `${load.failed} of ${load.requests} failed, 95 % within ${Math.round(load.p95)} ms`,
  };
}

/** What a look says against the server, if anything. A look that sent nothing says nothing. */
export function overLimit({ requests, failed, p95, said }: AppLoad, limits: LoadLimits): string | undefined {
  if (requests === 0) return undefined;
  if (failed / requests > limits.errorRate)
    return `${failed} of ${requests} requests failed${said === undefined ? '' : ` (${said})`}`;
  if (p95 > limits.p95) return `95 % of the answers came within ${Math.round(p95)} ms, and no sooner`;
  return undefined;
}

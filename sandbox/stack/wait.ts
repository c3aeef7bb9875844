import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';

const LOOK_EVERY_MS = 50;
/** One look may not hang for longer than this. */
const LOOK_MS = 5_000;

/**
 * Calls `look` until it does not throw. `why` may end the waiting early with a reason (a process that has died).
 * @throws Error with the last problem seen, after `deadlineMs`
 */
export async function waitUntil(
  what: string,
  look: () => Promise<void>,
  { deadlineMs, why }: { deadlineMs: number; why?: () => string | undefined },
): Promise<void> {
  const startedAt = Date.now();
  let last = 'no answer yet';
  while (Date.now() - startedAt < deadlineMs) {
    try {
      await withDeadline(look());
      return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    const reason = why?.();
    if (reason !== undefined) throw new Error(reason);
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`${what} was not ready after ${deadlineMs / 1000} s: ${last}`);
}

async function withDeadline(look: Promise<void>): Promise<void> {
  const abort = new AbortController();
  const late = sleep(LOOK_MS, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`no answer within ${LOOK_MS / 1000} s`);
  });
  try {
    await Promise.race([look, late]);
  } finally {
    abort.abort();
    late.catch(() => undefined);
  }
}

/**
 * A look that wants a successful answer of an HTTP address. Not by `fetch`: that sends browser headers, for which Caddy's
 * admin API wants an origin.
 */
export async function expectHttp(url: string): Promise<void> {
  const answer = await request(url, { headersTimeout: LOOK_MS, bodyTimeout: LOOK_MS });
  await answer.body.dump();
  if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}`);
}

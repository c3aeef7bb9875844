import type { AppConfig } from '../../../config/schema.ts';
import type { DeployWork } from '../../../domain/deployment.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { sendToApp } from '../http.ts';
import { keyOf, type Place } from './place.ts';

const WRITE_MS = 15_000;
/** What nobody answers who has stopped, and nobody else either. */
const GONE = /ECONNREFUSED/;

/**
 * Stops the server that was replaced, and tries to write through it: one that comes back by itself would answer whoever still knows
 * its address, with an old release.
 * @throws RecoveryError DEPLOY_REFUSED, DEPLOY_FAILED
 */
export async function fenceServer(place: Place, work: DeployWork): Promise<Gate[]> {
  const { deployer, name } = place;
  const problem = await deployer.stop(work).then(
    () => undefined,
    (error: unknown) => {
      // Its machine is gone, as it may well be: the write tells whether anybody is there.
      if (error instanceof RecoveryError && error.code === 'DEPLOY_UNREACHABLE') return error.message;
      throw error;
    },
  );
  const gate = await tryWrite(place, problem ?? 'stopped', name);
  // Nobody answers now, and nobody was told to stay away: it may be back in a minute.
  return [problem !== undefined && gate.verdict === 'pass' ? { ...gate, verdict: 'unproven' } : gate];
}

async function tryWrite({ app }: Place, stopped: string, name: string): Promise<Gate> {
  const gate = { name: 'stale write', expected: `nobody takes a write at ${name} any more` };
  const { write, refused } = writeOf(app);
  try {
    const { status } = await sendToApp({ ...write, baseUrl: app.baseUrl, headers: keyOf(app), deadlineMs: WRITE_MS });
    const proven = refused.includes(status);
    if (status < 300) return { ...gate, verdict: 'fail', observed: `${stopped}; ${status}: it was accepted` };
    return { ...gate, verdict: proven ? 'pass' : 'unproven', observed: `${stopped}; ${status}` };
  } catch (error) {
    if (!(error instanceof RecoveryError) || error.code !== 'APP_UNREACHABLE') throw error;
    const gone = GONE.test(error.message);
    return { ...gate, verdict: gone ? 'pass' : 'unproven', observed: `${stopped}; ${error.message}` };
  }
}

/** The write that the maintenance switch is proven by, or a question, which most apps keep. */
function writeOf({ maintenance, ask }: AppConfig): {
  write: { method: 'GET' | 'POST' | 'PUT'; path: string; body: Record<string, unknown> };
  refused: readonly number[];
} {
  const write = maintenance?.write;
  if (write) return { write: { method: write.method, path: write.path, body: write.body }, refused: write.refused };
  return { write: { method: ask.method, path: ask.path, body: ask.body }, refused: [423, 503] };
}

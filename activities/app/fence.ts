import type { AppConfig } from '../../config/schema.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { FenceActivities } from '../postgres-contract.ts';
import { callApp, sendToApp } from './http.ts';

/** An app that is told to stop writing may first bring what it has begun to its end. */
const SWITCH_MS = 60_000;
const WRITE_MS = 30_000;

type Maintenance = NonNullable<AppConfig['maintenance']>;
type Write = NonNullable<Maintenance['write']>;

/** The app's own switch that keeps it from writing, where one is configured. */
export function createFenceActivities(config: AppConfig | undefined): FenceActivities {
  return {
    async setAppMode({ mode }) {
      const maintenance = config?.maintenance;
      if (!config || !maintenance) return { switched: false };
      const { method, path, on, off, header } = maintenance;
      const headers = headersOf(config.authHeader, header);
      const body = mode === 'fenced' ? on : off;
      await callApp({ baseUrl: config.baseUrl, method, path, headers, body, deadlineMs: SWITCH_MS });
      return { switched: true };
    },

    async tryStaleWrite() {
      const write = config?.maintenance?.write;
      if (config && write) return [await tryWrite(config, write)];
      const missing = config?.maintenance ? 'app.maintenance.write' : 'app.maintenance';
      return [gate('unproven', 'that the app refuses it', `nothing was tried: ${missing} is not configured`)];
    },
  };
}

/** What is refused in another way (no such path, no right, a body that is wrong) would be refused of an app that writes, too. */
async function tryWrite({ baseUrl, authHeader }: AppConfig, { method, path, body, refused }: Write): Promise<Gate> {
  const expected = `${method} ${path} is refused with ${refused.join(' or ')}`;
  try {
    const headers = headersOf(authHeader);
    const { status } = await sendToApp({ baseUrl, method, path, headers, body, deadlineMs: WRITE_MS });
    if (refused.includes(status)) return gate('pass', expected, String(status));
    if (status < 300) return gate('fail', expected, `${status}: it was accepted`);
    return gate('unproven', expected, `${status}, which does not tell whether it writes`);
  } catch (error) {
    // Not thrown: an app may be down for what is about to be mended.
    if (!(error instanceof RecoveryError) || error.code !== 'APP_UNREACHABLE') throw error;
    return gate('unproven', expected, error.message);
  }
}

function gate(verdict: Gate['verdict'], expected: string, observed: string): Gate {
  return { name: 'stale write', verdict, expected, observed };
}

/** Names are the same in whatever case; the last one counts. */
function headersOf(...given: AppConfig['authHeader'][]): Record<string, string> {
  const known = given.filter((header) => header !== undefined);
  return Object.fromEntries(known.map(({ name, value }) => [name.toLowerCase(), value.reveal()]));
}

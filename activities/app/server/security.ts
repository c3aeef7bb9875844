import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { checkTransport } from '../../transport.ts';
import { exchange, NoReply } from '../../exchange.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { judged, send } from './endpoint.ts';
import { endpointOf, type Place } from './place.ts';

const DEADLINE_MS = 30_000;
const STRANGER = 'https://stranger.invalid';

/** Nobody gets in who could not before, and readers’ browsers may. */
export async function checkSecurity(
  checks: AppServersConfig['checks'],
  place: Place,
  signal: AbortSignal,
): Promise<Gate[]> {
  return [
    ...(await checkCors(checks, place, signal)),
    ...(await checkProtected(checks, place, signal)),
    ...(await checkTransport(endpointOf(place.config.url))),
  ];
}

/** What a browser asks before it sends a question from the readers' pages: https://fetch.spec.whatwg.org/#cors-preflight-fetch */
async function checkCors({ origin }: AppServersConfig['checks'], { app }: Place, signal: AbortSignal): Promise<Gate[]> {
  if (origin === undefined)
    return [
      {
        name: 'CORS',
        verdict: 'unproven',
        expected: 'the readers’ pages may ask',
        observed: 'appServers.checks.origin is not configured',
      },
    ];
  const ours = { name: 'CORS', expected: `${origin} may send ${app.ask.method} ${app.ask.path}` };
  const others = { name: 'CORS of strangers', expected: 'they may not, or it is open to all as before' };
  return [
    await judged(ours, app, async () => {
      const said = await preflight(app, origin, signal);
      const open = said.status < 300 && (said.origin === origin || said.origin === '*');
      // A safelisted method needs no word: https://fetch.spec.whatwg.org/#cors-safelisted-method
      const may = open && wantedHeaders(app).every((name) => said.headers.includes(name) || said.headers.includes('*'));
      return { verdict: may ? 'pass' : 'fail', observed: describe(said) };
    }),
    await judged(others, app, async () => {
      const said = await preflight(app, STRANGER, signal);
      // A server that sends every asker its own name back, with credentials, is open to any page.
      return { verdict: said.origin === STRANGER ? 'fail' : 'pass', observed: describe(said) };
    }),
  ];
}

interface Preflight {
  readonly status: number;
  readonly origin: string | null;
  readonly methods: readonly string[];
  readonly headers: readonly string[];
}

async function preflight(app: Place['app'], origin: string, signal: AbortSignal): Promise<Preflight> {
  const { method, path } = app.ask;
  const headers = {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': wantedHeaders(app).join(', '),
  };
  try {
    const url = app.baseUrl.replace(/\/+$/, '') + path;
    const reply = await exchange({ url, method: 'OPTIONS', headers, deadlineMs: DEADLINE_MS, signal });
    const list = (name: string): string[] => (reply.headers.get(name) ?? '').split(',').map((one) => one.trim());
    return {
      status: reply.status,
      origin: reply.headers.get('access-control-allow-origin'),
      methods: list('access-control-allow-methods').map((one) => one.toUpperCase()),
      headers: list('access-control-allow-headers').map((one) => one.toLowerCase()),
    };
  } catch (error) {
    if (!(error instanceof NoReply)) throw error;
    throw new RecoveryError('APP_UNREACHABLE', `app: ${path}: ${error.message}`, { cause: error });
  }
}

/** What a page's question carries beside what every request does. */
function wantedHeaders({ ask, authHeader }: Place['app']): string[] {
  return [...(ask.method === 'GET' ? [] : ['content-type']), ...(authHeader ? [authHeader.name.toLowerCase()] : [])];
}

function describe({ status, origin, methods, headers }: Preflight): string {
  const named = [...methods, ...headers].filter((one) => one !== '').join(', ');
  return `${status}, allows ${origin ?? 'no origin'} to send ${named || 'nothing that it names'}`;
}

async function checkProtected(
  checks: AppServersConfig['checks'],
  { app }: Place,
  signal: AbortSignal,
): Promise<Gate[]> {
  if (checks.protected.length === 0) {
    // Where the app has no key there is nothing that could have been lost.
    const observed = 'none is listed in appServers.checks.protected';
    const open = !app.authHeader && !app.maintenance;
    return open ? [] : [{ name: 'keys', verdict: 'unproven', expected: 'what is protected refuses', observed }];
  }
  return Promise.all(
    checks.protected.map((endpoint) => {
      const { method, path } = endpoint;
      return judged({ name: `key of ${method} ${path}`, expected: '401 or 403 without a key' }, app, async () => {
        const { status } = await send({ app, endpoint, headers: {}, signal });
        return { verdict: status === 401 || status === 403 ? 'pass' : 'fail', observed: String(status) };
      });
    }),
  );
}

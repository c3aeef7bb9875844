import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { checkTransport } from '../../transport.ts';
import { exchange } from '../../exchange.ts';
import { judged, send } from './endpoint.ts';
import type { Place } from './place.ts';

const DEADLINE_MS = 30_000;
const STRANGER = 'https://stranger.invalid';
const METHODS_OF_CORS = ['POST', 'GET'] as const;

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
      const open = said.origin === origin || said.origin === '*';
      const may =
        open && (app.ask.method === 'GET' || said.methods.includes(app.ask.method) || said.methods.includes('*'));
      return { verdict: may ? 'pass' : 'fail', observed: describe(said) };
    }),
    await judged(others, app, async () => {
      const said = await preflight(app, STRANGER, signal);
      // A server that sends every asker its own name back, with credentials, is open to any page.
      return { verdict: said.origin === STRANGER ? 'fail' : 'pass', observed: describe(said) };
    }),
  ];
}

function endpointOf(url: string): { https: boolean; host: string; port: number } {
  const { protocol, hostname, port } = new URL(url);
  const https = protocol === 'https:';
  return { https, host: hostname, port: Number(port) || (https ? 443 : 80) };
}

interface Preflight {
  readonly status: number;
  readonly origin: string | null;
  readonly methods: readonly string[];
}

async function preflight(app: Place['app'], origin: string, signal: AbortSignal): Promise<Preflight> {
  const { method, path } = app.ask;
  const headers = {
    origin,
    'access-control-request-method': METHODS_OF_CORS.find((one) => one === method) ?? 'POST',
    'access-control-request-headers': 'content-type',
  };
  const reply = await exchange({
    url: app.baseUrl.replace(/\/+$/, '') + path,
    method: 'OPTIONS',
    headers,
    deadlineMs: DEADLINE_MS,
    signal,
  });
  const methods = (reply.headers.get('access-control-allow-methods') ?? '')
    .split(',')
    .map((one) => one.trim().toUpperCase());
  return { status: reply.status, origin: reply.headers.get('access-control-allow-origin'), methods };
}

function describe({ status, origin, methods }: Preflight): string {
  return `${status}, allows ${origin ?? 'no origin'} to send ${methods.filter((one) => one !== '').join(', ') || 'nothing that it names'}`;
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

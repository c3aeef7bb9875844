import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CaddyConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { excerpt } from '../exchange.ts';

/** Caddy answers a change when the new configuration runs; provisioning may fetch certificates. */
const DEADLINE_MS = 30_000;
/** Of what stands before Caddy: its own 500 says that a configuration cannot be loaded, which does not pass. */
const MAY_PASS = [408, 429, 502, 503, 504];

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
  /** For `If-Match`. A header since Caddy 2.11, or earlier; in 2.6 a trailer, which `fetch` does not show. */
  readonly etag: string | null;
}

export interface AdminCall {
  readonly method: 'GET' | 'PATCH';
  readonly path: string;
  readonly ifMatch?: string | undefined;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request to Caddy's admin API, over a connection of its own: Caddy closes those it has when its configuration changes. Not by
 * `fetch`, which says `Sec-Fetch-Mode: cors`: Caddy 2.11 takes that for a web page's doing and answers 403.
 * Answers of a status that somebody must look at are given back.
 * @throws RecoveryError TRAFFIC_UNREACHABLE, whether it was carried out is unknown
 */
export async function callAdmin(config: CaddyConfig, call: AdminCall): Promise<AdminAnswer> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const stop = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline;
  const what = `Caddy at ${config.adminUrl}, ${call.method} ${call.path}`;
  try {
    const answer = await send(config, call, stop);
    if (!MAY_PASS.includes(answer.status)) return answer;
    throw new Error(`${answer.status} ${excerpt(answer.text)}`);
  } catch (error) {
    call.signal?.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : reasonOf(error);
    throw new RecoveryError('TRAFFIC_UNREACHABLE', `${what}: ${why}`, { cause: error });
  }
}

function send(
  config: CaddyConfig,
  { method, path, ifMatch, json }: AdminCall,
  signal: AbortSignal,
): Promise<AdminAnswer> {
  const body = json === undefined ? '' : JSON.stringify(json);
  const options: RequestOptions = {
    ...placeOf(config.adminUrl, path),
    method,
    agent: false,
    signal,
    headers: {
      // By a socket file, older ones let in who names no host.
      ...(config.adminUrl.startsWith('unix:') ? { host: '' } : {}),
      ...(body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      ...(config.header ? { [config.header.name]: config.header.value.reveal() } : {}),
    },
  };
  const request = config.adminUrl.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(options, (response) => void read(response).then(resolve, reject))
      .once('error', reject)
      .end(body);
  });
}

function placeOf(adminUrl: string, path: string): RequestOptions {
  if (adminUrl.startsWith('unix:')) return { socketPath: socketPath(adminUrl), path, setHost: false };
  const { hostname, port, pathname } = new URL(adminUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, ...(port === '' ? {} : { port }), path: pathname.replace(/\/+$/, '') + path };
}

/** `unix:/run/x`, `unix://run/x` as Caddy writes it, and `unix:///run/x` are the same. */
function socketPath(adminUrl: string): string {
  return adminUrl.replace(/^unix:\/+/, '/');
}

async function read(response: IncomingMessage): Promise<AdminAnswer> {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += String(piece);
  // A trailer is there only when the body has been read to its end.
  const etag = response.headers.etag ?? response.trailers['etag'] ?? null;
  return { status: response.statusCode ?? 0, text, etag };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ('code' in error ? String(error.code) : error.name);
}

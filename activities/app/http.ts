import { RecoveryError } from '../../domain/failures.ts';

const EXCERPT = 200;

export interface Exchange {
  readonly baseUrl: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON, or as query parameters with GET. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request to the app. Gives back JSON, or the text when it is none.
 * @throws RecoveryError APP_UNREACHABLE (network, deadline, 5xx, 429), APP_REFUSED (other 4xx)
 */
export async function exchange(request: Exchange): Promise<unknown> {
  const response = await send(request);
  const text = await response.text().catch((cause: unknown) => unreachable(request, 'the answer broke off', cause));
  if (response.ok) return parse(text);
  const said = `${response.status}: ${text.replace(/\s+/g, ' ').slice(0, EXCERPT)}`;
  if (response.status >= 500 || response.status === 429 || response.status === 408) return unreachable(request, said);
  throw new RecoveryError('APP_REFUSED', `app: ${request.path}: ${said}`);
}

async function send(request: Exchange): Promise<Response> {
  const { method, headers, body, deadlineMs, signal } = request;
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    return await fetch(urlOf(request), {
      method,
      headers: {
        accept: 'application/json',
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (error) {
    signal?.throwIfAborted();
    return unreachable(request, deadline.aborted ? `no answer within ${deadlineMs / 1000} s` : causeOf(error), error);
  }
}

function urlOf({ baseUrl, path, method, body }: Exchange): URL {
  const url = new URL(baseUrl.replace(/\/+$/, '') + path);
  if (method === 'GET')
    for (const [name, value] of Object.entries(body ?? {})) url.searchParams.set(name, String(value));
  return url;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

function unreachable({ path }: Exchange, said: string, cause?: unknown): never {
  throw new RecoveryError('APP_UNREACHABLE', `app: ${path}: ${said}`, { cause });
}

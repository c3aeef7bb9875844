import { RecoveryError } from '../../domain/failures.ts';
import { exchange, excerpt, mayPass, NoReply, type Reply } from '../exchange.ts';

/** A request to the app. */
export interface Call {
  readonly baseUrl: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON, or as query parameters with GET. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request to the app. Gives back JSON, or the text when it is none.
 * @throws RecoveryError APP_UNREACHABLE (network, deadline, 5xx, 429), APP_REFUSED (other 3xx and 4xx)
 */
export async function callApp(call: Call): Promise<unknown> {
  const { status, text } = await sendToApp(call);
  if (status >= 200 && status < 300) return parse(text);
  const said = `app: ${call.path}: ${status}: ${excerpt(text)}`;
  throw new RecoveryError(mayPass(status) ? 'APP_UNREACHABLE' : 'APP_REFUSED', said);
}

/** One request to the app; the answer whatever its status. @throws RecoveryError APP_UNREACHABLE (network, deadline) */
export async function sendToApp(call: Call): Promise<Reply> {
  const { method, path, headers, body, deadlineMs, signal } = call;
  try {
    const json = method === 'GET' ? undefined : (body ?? {});
    return await exchange({ url: urlOf(call), method, headers, json, deadlineMs, signal });
  } catch (error) {
    if (!(error instanceof NoReply)) throw error;
    throw new RecoveryError('APP_UNREACHABLE', `app: ${path}: ${error.message}`, { cause: error });
  }
}

function urlOf({ baseUrl, path, method, body }: Call): URL {
  const url = new URL(baseUrl.replace(/\/+$/, '') + path);
  if (method === 'GET')
    for (const [name, value] of Object.entries(body ?? {})) url.searchParams.set(name, String(value));
  return url;
}

/** JSON, or the text when it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

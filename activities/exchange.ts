import { types } from 'node:util';

/** One HTTP request with a deadline. */
export interface Request {
  readonly url: string | URL;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came back, whatever its status. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** No whole answer came: whether the request was carried out is unknown. The message says why. */
export class NoReply extends Error {
  override readonly name = 'NoReply';
}

/** @throws NoReply, or the signal's reason when it was cancelled */
export async function exchange({ url, method, headers, json, deadlineMs, signal }: Request): Promise<Reply> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    const why = deadline.aborted ? `no answer within ${deadlineMs / 1000} s` : causeOf(error);
    throw new NoReply(why, { cause: error });
  }
}

/** A beginning of a text, in one line, for messages. */
export function excerpt(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 300);
}

/** Statuses after which the same request may be answered later. */
export function mayPass(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

/** fetch says only that it failed; why is in the cause. */
function causeOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  const { cause } = error;
  if (!types.isNativeError(cause)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : cause.name);
}

import { setTimeout as pause } from 'node:timers/promises';
import { RecoveryError } from '../../domain/failures.ts';

const DEADLINE_MS = 60_000;
/** Longer waits are the runbook's business: it can tell people that it is waiting. */
const LONGEST_PAUSE_MS = 20_000;
const PAUSES = 3;
const EXCERPT = 300;

/** A POST of JSON to the embedding endpoint. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal?: AbortSignal | undefined;
}

export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: number; readonly said: string };

/**
 * Posts, and waits a moment where the endpoint asks for it. Embedding a text twice does no harm, so repeating is safe.
 * A refusal is given back, since what it means depends on what was sent.
 * @throws RecoveryError EMBEDDINGS_UNREACHABLE
 */
export async function post(request: Post, pauses = PAUSES): Promise<Answer> {
  const response = await send(request);
  const text = await response.text().catch((cause: unknown) => unreachable(request, 'the answer broke off', cause));
  if (response.ok) return { ok: true, body: parse(request, text) };
  const said = excerpt(text);
  if (response.status < 500 && response.status !== 429 && response.status !== 408)
    return { ok: false, status: response.status, said };
  // OpenAI's word for an empty account, which no waiting fills.
  if (text.includes('insufficient_quota')) return { ok: false, status: response.status, said };
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN) * 1000;
  if (pauses === 0 || !(wait <= LONGEST_PAUSE_MS)) return unreachable(request, `${response.status}: ${said}`);
  await pause(wait, undefined, { signal: request.signal });
  return post(request, pauses - 1);
}

async function send(request: Post): Promise<Response> {
  const { url, headers, body, signal } = request;
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (error) {
    signal?.throwIfAborted();
    return unreachable(request, deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : causeOf(error), error);
  }
}

function parse(request: Post, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    return unreachable(request, `an answer that is no JSON: ${excerpt(text)}`, cause);
  }
}

function unreachable({ url }: Post, said: string, cause?: unknown): never {
  throw new RecoveryError('EMBEDDINGS_UNREACHABLE', `embeddings at ${new URL(url).host}: ${said}`, { cause });
}

/** fetch says only that it failed; why is in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}

function excerpt(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, EXCERPT);
}

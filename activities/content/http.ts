import { setTimeout as pause } from 'node:timers/promises';
import { RecoveryError } from '../../domain/failures.ts';
import { exchange, excerpt, mayPass, NoReply, type Reply } from '../exchange.ts';

const DEADLINE_MS = 60_000;
/** Longer waits are the runbook's business: it can tell people that it is waiting. */
const LONGEST_PAUSE_MS = 20_000;
const PAUSES = 3;

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
  const { status, headers, text } = await send(request);
  if (status >= 200 && status < 300) return { ok: true, body: parse(request, text) };
  const said = excerpt(text);
  // `insufficient_quota` is OpenAI's word for an empty account, which no waiting fills, though it comes with 429.
  if (!mayPass(status) || text.includes('insufficient_quota')) return { ok: false, status, said };
  const wait = Number(headers.get('retry-after') ?? Number.NaN) * 1000;
  if (pauses === 0 || !(wait <= LONGEST_PAUSE_MS)) throw unreachable(request, `${status}: ${said}`);
  await pause(wait, undefined, { signal: request.signal });
  return post(request, pauses - 1);
}

async function send(request: Post): Promise<Reply> {
  const { url, headers, body, signal } = request;
  try {
    return await exchange({ url, method: 'POST', headers, json: body, deadlineMs: DEADLINE_MS, signal });
  } catch (error) {
    throw error instanceof NoReply ? unreachable(request, error.message, error) : error;
  }
}

function parse(request: Post, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreachable(request, `an answer that is no JSON: ${excerpt(text)}`, cause);
  }
}

function unreachable({ url }: Post, said: string, cause?: unknown): RecoveryError {
  return new RecoveryError('EMBEDDINGS_UNREACHABLE', `embeddings at ${new URL(url).host}: ${said}`, { cause });
}

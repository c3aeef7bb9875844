import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { describeIssues } from '../../domain/run-input.ts';

const MAX_MESSAGE = 300;

export interface JsonCall {
  readonly url: string;
  readonly body: unknown;
  readonly apiKey?: Secret | undefined;
  /** Deadline in milliseconds. */
  readonly deadlineMs: number;
}

/**
 * Posts JSON and reads the answer with `schema`.
 * @throws Error that names the address and what came back, or that nothing did
 */
export async function postJson<T>({ url, body, apiKey, deadlineMs }: JsonCall, schema: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey ? { authorization: `Bearer ${apiKey.reveal()}` } : {}),
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(deadlineMs),
  }).catch((error: unknown) => {
    throw new Error(`${url}: no answer (${causeOf(error)})`, { cause: error });
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text.slice(0, MAX_MESSAGE)}`);
  return understand(url, text, schema);
}

/** Never a ZodError: that would look as if whoever asked us had sent something wrong. */
function understand<T>(url: string, text: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const what = error instanceof z.ZodError ? describeIssues(error) : 'no JSON';
    throw new Error(`${url}: an answer that we do not understand (${what})`, { cause: error });
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}

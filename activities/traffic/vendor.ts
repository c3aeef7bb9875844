import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { exchange, excerpt, mayPass, NoReply, type Reply } from '../exchange.ts';

const DEADLINE_MS = 20_000;

/** A vendor's API over HTTP, told by a token. */
export interface Vendor {
  /** Its name in messages. */
  readonly name: string;
  readonly apiUrl: string;
  readonly token: Secret;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface VendorCall {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request. The answer is JSON, or undefined where there is none.
 * @throws RecoveryError TRAFFIC_UNREACHABLE (no answer, 5xx, too many requests: whether it was carried out is unknown),
 * TRAFFIC_REFUSED
 */
export async function callVendor(vendor: Vendor, { method, path, json, signal }: VendorCall): Promise<unknown> {
  const what = `${vendor.name}, ${method} ${path}`;
  const headers = { ...vendor.headers, authorization: `Bearer ${vendor.token.reveal()}` };
  const url = vendor.apiUrl.replace(/\/+$/, '') + path;
  const send = (): Promise<Reply> => exchange({ url, method, headers, json, deadlineMs: DEADLINE_MS, signal });
  const reply = await (method === 'GET' ? lookedUp(what, send) : reached(what, send));
  if (reply.status >= 200 && reply.status < 300) return reply.text === '' ? undefined : parse(what, reply.text);
  const said = `${what}: ${reply.status} ${messageOf(reply.text).replaceAll(vendor.token.reveal(), '[redacted]')}`;
  throw new RecoveryError(passes(reply) ? 'TRAFFIC_UNREACHABLE' : 'TRAFFIC_REFUSED', said);
}

/**
 * A request that changes nothing, sent once more over silence: the connection may be one that was closed meanwhile.
 * @throws RecoveryError TRAFFIC_UNREACHABLE
 */
export function lookedUp(what: string, send: () => Promise<Reply>): Promise<Reply> {
  return reached(what, async () => {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      return await send();
    }
  });
}

/** @throws RecoveryError TRAFFIC_UNREACHABLE where no whole answer came */
async function reached(what: string, send: () => Promise<Reply>): Promise<Reply> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof NoReply)) throw error;
    throw new RecoveryError('TRAFFIC_UNREACHABLE', `${what}: ${error.message}`, { cause: error });
  }
}

/** @throws RecoveryError TRAFFIC_REFUSED naming what of an answer is not as it is documented */
export function expectAnswer<T>(what: string, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
  throw new RecoveryError('TRAFFIC_REFUSED', `${what}: an answer that is not understood: ${why}`);
}

/** GitHub says 403 for limits as well; what tells them apart is in the headers. */
function passes({ status, headers }: Reply): boolean {
  const limited = headers.get('x-ratelimit-remaining') === '0' || headers.has('retry-after');
  return (mayPass(status) && status !== 501) || (status === 403 && limited);
}

const errorsSchema = z.object({
  message: z.string().optional(),
  errors: z.array(z.object({ code: z.number().optional(), message: z.string().optional() })).optional(),
});

/** GitHub has one message, Cloudflare a list of them. */
function messageOf(text: string): string {
  const { message, errors } = errorsSchema.safeParse(asJson(text)).data ?? {};
  const listed = (errors ?? []).map((one) => [one.code, one.message].filter((part) => part !== undefined).join(' '));
  return excerpt([message, ...listed].filter(Boolean).join('; ') || text);
}

function parse(what: string, text: string): unknown {
  const value = asJson(text);
  if (value !== undefined) return value;
  throw new RecoveryError('TRAFFIC_REFUSED', `${what}: an answer that is no JSON: ${excerpt(text)}`);
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { exchange, excerpt, mayPass, NoReply, type Reply } from '../exchange.ts';
import { sleep } from '../sleep.ts';
import { asJson } from './json.ts';
import { redact } from './redact.ts';

const DEADLINE_MS = 30_000;
/** How often what may be sent again is sent, and how often a limit is waited for. */
const TRIES = 3;
const LIMITS = 8;
const PAUSE_MS = 300;
const LONGEST_WAIT_S = 300;

/** A vendor's API over HTTP, told by a token. */
export interface Vendor {
  /** Its name in messages. */
  readonly name: string;
  readonly apiUrl: string;
  readonly token: Secret;
  /** What no message may hold, besides the token. */
  readonly secrets?: readonly string[] | undefined;
  /** Told before a limit is waited for. */
  readonly waits?: ((phase: string) => void) | undefined;
}

export interface VendorCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly json?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Sent again when it is not known whether it was carried out; reading and PUT always are. */
  readonly repeatable?: boolean;
}

/**
 * One request; a limit is waited for. The answer is JSON, or undefined where there is none.
 * @throws RecoveryError DEPLOY_UNREACHABLE (whether it was carried out is unknown), DEPLOY_REFUSED
 */
export async function callVendor(vendor: Vendor, call: VendorCall): Promise<unknown> {
  const what = `${vendor.name}, ${call.method} ${call.path.replace(/\?.*/, '')}`;
  const again = call.repeatable ?? call.method !== 'POST';
  for (let tries = 1, limits = 1; ;) {
    const reply = await send(vendor, call);
    if (!(reply instanceof NoReply) && reply.status >= 200 && reply.status < 300) return parse(what, reply.text);
    const said = reply instanceof NoReply ? reply.message : `${reply.status} ${messageOf(reply.text)}`;
    const limited = !(reply instanceof NoReply) && reply.status === 429;
    if (limited && limits < LIMITS) {
      const seconds = waitOf(reply.headers, limits);
      limits += 1;
      vendor.waits?.(`${vendor.name} limits requests: wait ${Math.ceil(seconds)} s`);
      await sleep(seconds * 1000, call.signal);
      continue;
    }
    const message = redact(`${what}: ${said}`, [vendor.token.reveal(), ...(vendor.secrets ?? [])]);
    const passes = reply instanceof NoReply || (mayPass(reply.status) && reply.status !== 501);
    if (!passes) throw new Refused(message, reply.status);
    if (limited || !again || tries >= TRIES) throw new RecoveryError('DEPLOY_UNREACHABLE', message);
    await sleep(PAUSE_MS * tries, call.signal);
    tries += 1;
  }
}

/** What a vendor has answered by; some are no failure to whoever expects them. */
export class Refused extends RecoveryError {
  readonly status: number;

  constructor(message: string, status: number) {
    super('DEPLOY_REFUSED', message);
    this.status = status;
  }
}

/** @throws RecoveryError DEPLOY_REFUSED naming what of an answer is not as it is documented */
export function expectAnswer<T>(what: string, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
  throw new RecoveryError('DEPLOY_REFUSED', `${what}: an answer that is not understood: ${why}`);
}

async function send({ apiUrl, token }: Vendor, { method, path, json, signal }: VendorCall): Promise<Reply | NoReply> {
  const url = apiUrl.replace(/\/+$/, '') + path;
  const headers = { authorization: `Bearer ${token.reveal()}` };
  try {
    return await exchange({ url, method, headers, json, deadlineMs: DEADLINE_MS, signal });
  } catch (error) {
    if (error instanceof NoReply) return error;
    throw error;
  }
}

/** In seconds. Vendors tell it as seconds, as a time of the day, or among other things (`"api";r=0;t=55`). */
function waitOf(headers: Headers, limits: number): number {
  const [after, reset] = [headers.get('retry-after'), headers.get('ratelimit-reset')];
  const listed = /(?:^|;)\s*t\s*=\s*(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  const told = [after, reset, listed].map(secondsOf).find((seconds) => seconds !== undefined);
  return Math.min(LONGEST_WAIT_S, told ?? 2 ** limits);
}

function secondsOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  const number = Number(text);
  // Larger than any wait: it is a moment.
  const moment = Number.isNaN(number) ? Date.parse(text) : number > 1e9 ? number * 1000 : undefined;
  if (moment === undefined) return Math.max(0, number);
  return Number.isNaN(moment) ? undefined : Math.max(0, (moment - Date.now()) / 1000);
}

const errorSchema = z.object({ message: z.string().optional(), error: z.string().optional() });

function messageOf(text: string): string {
  const { message, error } = errorSchema.safeParse(asJson(text)).data ?? {};
  return excerpt(message ?? error ?? text);
}

function parse(what: string, text: string): unknown {
  if (text.trim() === '') return undefined;
  const value = asJson(text);
  if (value !== undefined) return value;
  // Some answers that say nothing do so in words: `OK`.
  if (text.length < 20) return undefined;
  throw new RecoveryError('DEPLOY_REFUSED', `${what}: an answer that is no JSON`);
}

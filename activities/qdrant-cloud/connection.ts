import { z } from 'zod';
import type { QdrantCloudConfig } from '../../config/qdrant-cloud.ts';
import { exchange, NoReply, type Reply, type Request } from '../exchange.ts';
import type { Page } from './answers.ts';
import { CloudFailure, failureOfAnswer, failureOfSilence } from './failure.ts';
import { overBlips } from './retry.ts';

const DEADLINE_MS = 30_000;
/** The largest that the API takes. */
const PAGE = 250;

const SERVICES = { backup: 'backup/v1', cluster: 'v1', keys: 'auth/v2' } as const;

/** One request. */
export interface Call<T> {
  /** What is being done, for messages. */
  readonly what: string;
  /** Default: the one of backups. */
  readonly service?: keyof typeof SERVICES;
  readonly method: Request['method'];
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly answer: z.ZodType<T>;
  /** False for what must not be done twice. */
  readonly idempotent?: boolean;
}

/**
 * Requests to Qdrant Cloud's management API. Reads are repeated over a blip; what writes is sent once, except a deletion. Thrown:
 * CloudFailure with QDRANT_CLOUD_UNREACHABLE, _DENIED or _REFUSED.
 */
export class CloudConnection {
  readonly config: QdrantCloudConfig;
  protected readonly deadlineMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor(config: QdrantCloudConfig, deadlineMs = DEADLINE_MS, signal?: AbortSignal) {
    this.config = config;
    this.deadlineMs = deadlineMs;
    this.#signal = signal;
  }

  /** A deletion. Absent is fine. */
  protected async remove(call: Pick<Call<unknown>, 'what' | 'service' | 'path' | 'query'>): Promise<void> {
    try {
      await this.call({ ...call, method: 'DELETE', answer: z.unknown() });
    } catch (error) {
      if (!(error instanceof CloudFailure && error.status === 404)) throw error;
    }
  }

  /** Every page of a list. */
  protected async pages<T>(call: Call<Page<T>>, what: string): Promise<T[]> {
    const all: T[] = [];
    const seen = new Set<string>();
    for (let pageToken = ''; ;) {
      const query = { ...call.query, pageSize: String(PAGE), ...(pageToken ? { pageToken } : {}) };
      const { items, nextPageToken } = await this.call({ ...call, query });
      all.push(...items);
      if (!nextPageToken) return all;
      if (seen.has(nextPageToken)) throw new CloudFailure('QDRANT_CLOUD_REFUSED', `Qdrant Cloud, ${what} repeat`);
      seen.add(nextPageToken);
      pageToken = nextPageToken;
    }
  }

  /** @throws CloudFailure QDRANT_CLOUD_UNREACHABLE, _DENIED, _REFUSED */
  protected call<T>(call: Call<T>): Promise<T> {
    const once = async (): Promise<T> => understand(call, await this.#send(call));
    return call.idempotent === false ? once() : overBlips(once, this.#signal);
  }

  async #send({ what, service, method, path, query, json }: Call<unknown>): Promise<Reply> {
    const { url, accountId, apiKey } = this.config;
    const target = new URL(
      `${url.replace(/\/+$/, '')}/api/cluster/${SERVICES[service ?? 'backup']}/accounts/${accountId}${path}`,
    );
    for (const [name, value] of Object.entries(query ?? {})) target.searchParams.set(name, value);
    const headers = { authorization: `apikey ${apiKey.reveal()}` };
    try {
      return await exchange({
        url: target,
        method,
        headers,
        json,
        deadlineMs: this.deadlineMs,
        signal: this.#signal,
      });
    } catch (error) {
      throw error instanceof NoReply ? failureOfSilence(what, error) : error;
    }
  }
}

function understand<T>({ what, answer }: Call<T>, { status, headers, text }: Reply): T {
  if (status < 200 || status >= 300) throw failureOfAnswer(what, status, text, headers.get('retry-after'));
  const parsed = answer.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`);
  const said = fields.slice(0, 3).join('; ');
  throw new CloudFailure(
    'QDRANT_CLOUD_REFUSED',
    `Qdrant Cloud, ${what}: an answer that we do not understand (${said})`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

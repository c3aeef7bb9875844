import { QdrantClient } from '@qdrant/js-client-rest';
import { Readable } from 'node:stream';
import { Agent, type Dispatcher } from 'undici';
import type { QdrantConfig } from '../../config/schema.ts';
import { type Address, addressOf } from './address.ts';
import { failureOfAnswer, failureOfSilence, property, QdrantFailure } from './failure.ts';
import { overBlips } from './retry.ts';

/** One raw request. The vendor's client cannot stream, upload, or pass JSON through unread. */
export interface RawRequest {
  /** What is being done, for messages: `read 256 points`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Record<string, string>;
  /** Buffers are sent one after the other as one body. */
  readonly body?: readonly Buffer[] | Buffer | string | Readable;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
  /** Deadline in milliseconds; the configured one when absent. */
  readonly deadlineMs?: number;
  /** False for what must not be done twice. */
  readonly idempotent?: boolean;
}

/** An answer whatever its status, for whoever wants to judge the status itself. */
export interface RawAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** The only place that makes Qdrant clients. Failures are translated here, once. */
export class QdrantConnection {
  readonly config: QdrantConfig;
  readonly #address: Address;
  readonly #agent: Agent;
  readonly #client: QdrantClient;

  constructor(config: QdrantConfig) {
    this.config = config;
    this.#address = addressOf(config.url);
    this.#agent = new Agent({ connections: 2 * config.parallel + 4 });
    this.#client = new QdrantClient({
      ...this.#address,
      timeout: this.#deadlineMs,
      checkCompatibility: false,
      // As a header, because the client's own option would warn of every loopback connection on the console.
      headers: this.#keyHeader(),
    });
  }

  get #deadlineMs(): number {
    return this.config.timeoutSeconds * 1_000;
  }

  /** An ordinary call through the vendor's client: small, and safe to repeat. */
  async call<T>(what: string, use: (client: QdrantClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return overBlips(async () => {
      signal?.throwIfAborted();
      try {
        return await use(this.#client);
      } catch (error) {
        throw fromVendor(what, error);
      }
    }, signal);
  }

  /** A raw call. @returns the bytes of a successful answer */
  async exchange(request: RawRequest): Promise<Buffer> {
    const once = async (): Promise<Buffer> => {
      const { status, body } = await this.answer(request);
      if (status !== 200) throw failureOfAnswer(request.what, status, body.toString('utf8'));
      return body;
    };
    return request.idempotent === false ? once() : overBlips(once, request.signal);
  }

  /** A raw call whose every status is an answer. `apiKey` is sent instead of the configured one; null sends none. */
  async answer(request: RawRequest, apiKey?: string | null): Promise<RawAnswer> {
    const timeout = AbortSignal.timeout(request.deadlineMs ?? this.#deadlineMs);
    try {
      const { statusCode, body } = await this.#send(request, apiKey, either(request.signal, timeout));
      return { status: statusCode, body: Buffer.from(await body.arrayBuffer()) };
    } catch (error) {
      throw this.#silence(request, error);
    }
  }

  /** Streams a download; every piece must come within the configured deadline. */
  async *download(request: RawRequest): AsyncGenerator<Uint8Array> {
    try {
      const { statusCode, body } = await this.#send(request, undefined, request.signal);
      if (statusCode !== 200) throw failureOfAnswer(request.what, statusCode, await body.text());
      for await (const piece of body) yield piece as Uint8Array;
    } catch (error) {
      throw this.#silence(request, error);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #send(
    { method, path, query, body, headers, deadlineMs }: RawRequest,
    apiKey: string | null | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const { host, port, https, prefix } = this.#address;
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    return this.#agent.request({
      origin: `${https ? 'https' : 'http'}://${host}:${port}`,
      path: prefix + path + search,
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        // A compressed archive has no length, and costs more time than the network does.
        'accept-encoding': 'identity',
        ...(apiKey === null ? {} : apiKey === undefined ? this.#keyHeader() : { 'api-key': apiKey }),
        ...(isPieces(body) ? { 'content-length': String(body.reduce((sum, { length }) => sum + length, 0)) } : {}),
        ...headers,
      },
      body: isPieces(body) ? Readable.from(body) : (body ?? null),
      headersTimeout: deadlineMs ?? this.#deadlineMs,
      bodyTimeout: this.#deadlineMs,
      ...(signal ? { signal } : {}),
    });
  }

  #keyHeader(): Record<string, string> {
    return this.config.apiKey ? { 'api-key': this.config.apiKey.reveal() } : {};
  }

  /** What a failed raw call means. A cancellation, and what the body's own source threw, pass as they are. */
  #silence({ what, signal }: RawRequest, error: unknown): unknown {
    signal?.throwIfAborted();
    return property(error, 'name') === 'RecoveryError' ? error : failureOfSilence(what, error);
  }
}

function isPieces(body: RawRequest['body']): body is readonly Buffer[] {
  return Array.isArray(body);
}

function either(signal: AbortSignal | undefined, timeout: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function fromVendor(what: string, error: unknown): unknown {
  if (error instanceof QdrantFailure) return error;
  if (property(error, 'name') === 'QdrantClientResourceExhaustedError')
    return failureOfAnswer(what, 429, property(error, 'message'));
  const status = property(error, 'status');
  return typeof status === 'number'
    ? failureOfAnswer(what, status, property(error, 'data'))
    : failureOfSilence(what, error);
}

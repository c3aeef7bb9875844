import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as S3 reads it. */
export interface Asked {
  readonly method: string;
  /** Name of the object; '' for the bucket. */
  readonly name: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** `undefined`: as usual. `lose`: carried out, and the connection cut instead of an answer. `hang`: never answered. */
export type Fault =
  | {
      readonly status: number;
      readonly code: string;
      readonly headers?: Record<string, string>;
      readonly more?: string;
    }
  | { readonly breakAfter: number }
  | { readonly stallAfter: number }
  | 'lose'
  | 'hang'
  | undefined;

interface Stored {
  readonly bytes: Buffer;
  readonly metadata: Record<string, string>;
}

/**
 * As much of S3 as the store speaks, in memory, for what no real server can be made to show: it answers as usual until it is
 * told to fail. What happens by the rules is tried on real servers.
 */
export class StrictS3 {
  readonly objects = new Map<string, Stored>();
  readonly uploads = new Map<string, { name: string; metadata: Record<string, string>; parts: Map<number, Buffer> }>();
  readonly asked: Asked[] = [];
  fault: (asked: Asked) => Fault = () => undefined;
  /** Overwrites whatever the condition. */
  forgetful = false;
  #count = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const url = new URL(request.url ?? '', 'http://here');
    const name = decodeURIComponent(url.pathname).split('/').slice(2).join('/');
    const { method = '', headers } = request;
    const asked = { method, name, query: url.searchParams, headers, body: Buffer.concat(parts) };
    this.asked.push(asked);
    const fault = this.fault(asked);
    if (fault === 'hang') return;
    if (typeof fault === 'object' && 'status' in fault) return refuse(response, asked, fault);
    const answer = this.#answer(asked);
    if (fault === 'lose') return void response.socket?.destroy();
    response.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length) });
    if (typeof fault !== 'object') return void response.end(method === 'HEAD' ? undefined : answer.body);
    if ('stallAfter' in fault) return void response.write(answer.body.subarray(0, fault.stallAfter));
    if ('breakAfter' in fault)
      response.write(answer.body.subarray(0, fault.breakAfter), () => response.socket?.destroySoon());
  }

  #answer(asked: Asked): { status: number; headers: Record<string, string>; body: Buffer } {
    const { method, name, query } = asked;
    if (name === '') return xml(200, this.#listing(query.get('prefix') ?? ''));
    if (method === 'POST' && query.has('uploads')) return this.#begin(asked);
    if (query.has('uploadId')) return this.#goOn(asked, query.get('uploadId') ?? '');
    if (method === 'PUT') return this.#store(asked, asked.body, metadataOf(asked));
    const found = this.objects.get(name);
    if (method === 'DELETE') {
      this.objects.delete(name);
      return { status: 204, headers: {}, body: Buffer.alloc(0) };
    }
    if (!found) return xml(404, error('NoSuchKey', 'The specified key does not exist.'));
    const from = Number(/^bytes=(\d+)-/.exec(asked.headers.range ?? '')?.[1] ?? 0);
    const metadata = Object.entries(found.metadata).map(([key, value]) => [`x-amz-meta-${key}`, value]);
    const headers = { etag: etagOf(found.bytes), ...(Object.fromEntries(metadata) as Record<string, string>) };
    return { status: from > 0 ? 206 : 200, headers, body: found.bytes.subarray(from) };
  }

  #store({ name, headers }: Asked, bytes: Buffer, metadata: Record<string, string>): ReturnType<typeof xml> {
    if (headers['if-none-match'] === '*' && !this.forgetful && this.objects.has(name))
      return xml(412, error('PreconditionFailed', 'taken'));
    this.objects.set(name, { bytes, metadata });
    return xml(200, '', { etag: etagOf(bytes) });
  }

  #begin(asked: Asked): ReturnType<typeof xml> {
    this.#count += 1;
    const id = `upload-${this.#count}`;
    this.uploads.set(id, { name: asked.name, metadata: metadataOf(asked), parts: new Map() });
    return xml(200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }

  #goOn(asked: Asked, id: string): ReturnType<typeof xml> {
    const upload = this.uploads.get(id);
    if (!upload) return xml(404, error('NoSuchUpload', 'gone'));
    if (asked.method === 'PUT') {
      upload.parts.set(Number(asked.query.get('partNumber')), asked.body);
      return xml(200, '', { etag: etagOf(asked.body) });
    }
    this.uploads.delete(id);
    if (asked.method === 'DELETE') return { status: 204, headers: {}, body: Buffer.alloc(0) };
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    const stored = this.#store(asked, Buffer.concat(parts), upload.metadata);
    return stored.status === 200
      ? xml(200, '<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>')
      : stored;
  }

  #listing(prefix: string): string {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    const contents = names.map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`).join('');
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`;
  }
}

function metadataOf({ headers }: Asked): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function error(code: string, message: string, more = ''): string {
  return `<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
}

function xml(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): { status: number; headers: Record<string, string>; body: Buffer } {
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: Buffer.from(text) };
}

function refuse(response: ServerResponse, { method }: Asked, fault: Exclude<Fault, string | undefined>): void {
  if (!('status' in fault)) return;
  response.writeHead(fault.status, { 'content-type': 'application/xml', ...fault.headers });
  // An answer to HEAD has no body, so no code either.
  response.end(method === 'HEAD' ? undefined : error(fault.code, `because of ${fault.code}`, fault.more));
}

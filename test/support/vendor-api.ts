import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or a text as it is; none when absent. */
  readonly body?: unknown;
}

/** What is answered instead, once, to the next request of this method; carried out all the same where it says so. */
export interface ApiFault extends ApiAnswer {
  readonly method: string;
  readonly carriedOut?: boolean;
}

/** A stand-in of a vendor's API on a real socket. What it keeps outlives its going down. */
export interface VendorApi {
  readonly port: number;
  readonly heard: ApiRequest[];
  readonly faults: ApiFault[];
  down(): Promise<void>;
  up(): Promise<void>;
}

/** What is no JSON is answered by itself: true when it was. */
type Raw = (request: IncomingMessage, response: ServerResponse) => boolean;

export async function startApi(answer: (request: ApiRequest) => ApiAnswer, raw: Raw = () => false): Promise<VendorApi> {
  const [heard, faults]: [ApiRequest[], ApiFault[]] = [[], []];
  let server: Server | undefined;
  let port = 0;
  const up = async (): Promise<void> => {
    const own = createServer((request, response) => {
      if (raw(request, response)) return;
      void (async () => {
        let text = '';
        for await (const piece of request.setEncoding('utf8')) text += String(piece);
        const { method = '', headers } = request;
        const url = new URL(request.url ?? '/', 'http://api');
        const body = text === '' ? undefined : (JSON.parse(text) as unknown);
        const one = { method, path: decodeURI(url.pathname), query: url.searchParams, headers, body };
        heard.push(one);
        const at = faults.findIndex((fault) => fault.method === method);
        const fault = at < 0 ? undefined : faults.splice(at, 1)[0];
        const usual = fault && fault.carriedOut !== true ? undefined : answer(one);
        const said = fault ?? usual ?? { status: 500 };
        response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers });
        response.end(said.body === undefined || typeof said.body === 'string' ? said.body : JSON.stringify(said.body));
      })();
    });
    server = own;
    await new Promise<void>((resolve) => own.listen(port, '127.0.0.1', resolve));
    port = (own.address() as AddressInfo).port;
  };
  await up();
  return {
    port,
    heard,
    faults,
    up,
    down: () =>
      new Promise((resolve) => {
        server?.close(() => resolve());
        server?.closeAllConnections();
      }),
  };
}

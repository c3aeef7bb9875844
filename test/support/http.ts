import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request said. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON, or the text. */
  readonly body: unknown;
}

/** An answer; `hang` never sends one, `cut` ends it in the middle. */
export type Said =
  { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown } | 'hang' | 'cut';

/** A server on a real socket that answers as it is told, and remembers what it heard. */
export interface TestServer {
  readonly url: string;
  readonly heard: Heard[];
  answer(how: (request: Heard) => Said): void;
  stop(): Promise<void>;
}

export async function startServer(): Promise<TestServer> {
  const heard: Heard[] = [];
  let how: (request: Heard) => Said = () => ({ status: 404, body: 'nothing was told' });
  const server = createServer((request, response) => {
    void read(request).then((one) => {
      heard.push(one);
      const said = how(one);
      if (said === 'hang') return;
      if (said === 'cut') {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"half":');
        response.socket?.destroySoon();
        return;
      }
      response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers });
      response.end(typeof said.body === 'string' ? said.body : JSON.stringify(said.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    answer: (next) => (how = next),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function read(request: IncomingMessage): Promise<Heard> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += String(piece);
  const { method = '', url: path = '', headers } = request;
  return { method, path, headers, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

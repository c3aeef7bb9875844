import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

/** Which key of the server behind stands for a key that a caller sent; the key itself where none does. */
export type Translate = (key: string) => string;

/**
 * The endpoint of a cluster: a port that passes requests on to the server behind it, with the server's key in the place of a
 * database key. Closing it is what callers see of a suspended, restarting or restoring cluster: nobody listens, and open
 * connections are gone.
 */
export class Gateway {
  readonly port: number;
  readonly #target: { host: string; port: number };
  readonly #translate: Translate;
  #server: Server | undefined;

  constructor(port: number, target: URL, translate: Translate) {
    this.port = port;
    this.#target = { host: target.hostname, port: Number(target.port || 80) };
    this.#translate = translate;
  }

  async open(): Promise<void> {
    if (this.#server) return;
    // A snapshot may take its time; whoever calls has a deadline of its own.
    const server = createServer({ requestTimeout: 0 }, (incoming, answer) => this.#pass(incoming, answer));
    this.#server = server;
    server.listen({ port: this.port, host: '127.0.0.1' });
    await once(server, 'listening');
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method, url, headers } = incoming;
    const behind = request({ ...this.#target, method, path: url, headers: this.#withKeyOf(headers) }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
      reply.on('error', () => answer.destroy());
    });
    behind.on('error', () => answer.destroy());
    answer.on('close', () => behind.destroy());
    incoming.pipe(behind);
  }

  #withKeyOf(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
    const { 'api-key': key, authorization } = headers;
    const bearer = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    return {
      ...headers,
      ...(typeof key === 'string' ? { 'api-key': this.#translate(key) } : {}),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${this.#translate(bearer)}` }),
    };
  }
}

/** A loopback port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

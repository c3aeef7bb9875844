import { connect, createServer, type Server, type Socket } from 'node:net';
import { type First, type ProxyOptions, readFirst, readOptions, writeFatal, writeStartup } from './wire.ts';

const FIRST_MS = 30_000;

/** Where a connection goes. */
export interface Route {
  readonly port: number;
  /** Sessions may only read. */
  readonly readOnly: boolean;
  /** To be called when one side has said something. */
  touch(): void;
}

type Startup = Extract<First, { kind: 'startup' }>;

/** The stable address of an endpoint: wakes what is behind it, and passes the bytes on. */
export class Proxy {
  readonly #route: (options: ProxyOptions) => Promise<Route>;
  readonly #clients = new Map<Socket, number>();
  readonly #server: Server;

  constructor(route: (options: ProxyOptions) => Promise<Route>) {
    this.#route = route;
    this.#server = createServer((socket) => void this.#serve(socket).catch(() => socket.destroy()));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1' }, () => resolve());
    });
  }

  hangUp(): void {
    for (const client of this.#clients.keys()) client.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    client.once('close', () => this.#clients.delete(client));
    this.#clients.set(client, 0);
    client.setNoDelay(true);
    client.setTimeout(FIRST_MS, () => client.destroy());
    const { message, bytes } = await readStart(client);
    client.setTimeout(0);
    if (message.kind === 'cancel') return this.#cancel(client, bytes);
    const options = readOptions(message.parameters.get('options'));
    try {
      await this.#join(client, message, options, await this.#route(options));
    } catch (error) {
      client.end(writeFatal(error instanceof Error ? error.message : String(error)));
    }
  }

  async #join(client: Socket, { version, parameters }: Startup, options: ProxyOptions, route: Route): Promise<void> {
    const rest = [options.rest, route.readOnly ? '-c default_transaction_read_only=on' : ''].filter(Boolean).join(' ');
    const passedOn = new Map(parameters);
    if (rest === '') passedOn.delete('options');
    else passedOn.set('options', rest);
    const server = await connectTo(route.port);
    if (client.destroyed) return void server.destroy();
    this.#clients.set(client, route.port);
    server.write(writeStartup(version, passedOn));
    for (const side of [client, server]) side.on('data', () => route.touch());
    client.pipe(server);
    server.pipe(client);
    server.on('error', () => client.destroy());
    server.once('close', () => client.end());
    client.once('close', () => server.destroy());
  }

  /** A cancellation names its session by a key: whichever server does not know it ignores it. */
  #cancel(client: Socket, bytes: Buffer): void {
    for (const port of new Set(this.#clients.values())) {
      if (port === 0) continue;
      const server = connect(port, '127.0.0.1', () => server.end(bytes));
      server.on('error', () => server.destroy());
    }
    client.end();
  }
}

/** Reads up to the message that says what is wanted; encryption is declined on the way. */
function readStart(client: Socket): Promise<{ message: Exclude<First, { kind: 'encryption' }>; bytes: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const hear = (more: Buffer): void => {
      bytes = Buffer.concat([bytes, more]);
      try {
        for (let first = readFirst(bytes); first; first = readFirst(bytes)) {
          const { message, length } = first;
          if (message.kind !== 'encryption') {
            client.off('data', hear);
            client.pause();
            if (bytes.length > length) client.unshift(bytes.subarray(length));
            return resolve({ message, bytes: bytes.subarray(0, length) });
          }
          bytes = bytes.subarray(length);
          client.write('N');
        }
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    client.on('data', hear);
    client.once('close', () => reject(new Error('the client has gone')));
  });
}

function connectTo(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const server = connect(port, '127.0.0.1', () => {
      server.off('error', reject);
      server.setNoDelay(true);
      resolve(server);
    });
    server.once('error', reject);
  });
}

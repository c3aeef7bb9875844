import { connect, createServer, type Server, type Socket } from 'node:net';
import { type First, type ProxyOptions, readFirst, readOptions, writeFatal, writeStartup } from './wire.ts';

const FIRST_MS = 30_000;
const TRIES = 3;

/** Where a connection goes. */
export interface Route {
  readonly port: number;
  /** To a moment, not to what is behind the endpoint. */
  readonly travels: boolean;
  /** Sessions may only read. */
  readonly readOnly: boolean;
  /** To be called when one side has said something. */
  touch(): void;
}

type Startup = Extract<First, { kind: 'startup' }>;

/** The stable address of an endpoint: wakes what is behind it, and passes the bytes on. */
export class Proxy {
  readonly #route: (options: ProxyOptions) => Promise<Route>;
  /** With where they went; null before they have gone anywhere. */
  readonly #clients = new Map<Socket, Route | null>();
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

  /** Ends what is connected to the endpoint. Who is still on the way there waits for what comes next. */
  hangUp(): void {
    for (const [client, route] of this.#clients) if (route && !route.travels) client.destroy();
  }

  async close(): Promise<void> {
    for (const client of this.#clients.keys()) client.destroy();
    if (!this.#server.listening) return;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    client.once('close', () => this.#clients.delete(client));
    this.#clients.set(client, null);
    client.setNoDelay(true);
    client.setTimeout(FIRST_MS, () => client.destroy());
    const { message, bytes } = await readStart(client);
    client.setTimeout(0);
    if (message.kind === 'cancel') return this.#cancel(client, bytes);
    const options = readOptions(message.parameters.get('options'));
    try {
      const { route, server } = await this.#reach(options);
      this.#join(client, server, message, options, route);
    } catch (error) {
      client.end(writeFatal(error instanceof Error ? error.message : String(error)));
    }
  }

  /** What is behind the endpoint may go to sleep, or be replaced, just when it is to be reached. */
  async #reach(options: ProxyOptions): Promise<{ route: Route; server: Socket }> {
    for (let attempt = 1; ; attempt++) {
      const route = await this.#route(options);
      try {
        return { route, server: await connectTo(route.port) };
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  #join(client: Socket, server: Socket, { version, parameters }: Startup, options: ProxyOptions, route: Route): void {
    const rest = [options.rest, route.readOnly ? '-c default_transaction_read_only=on' : ''].filter(Boolean).join(' ');
    const passedOn = new Map(parameters);
    if (rest === '') passedOn.delete('options');
    else passedOn.set('options', rest);
    if (client.destroyed) return void server.destroy();
    this.#clients.set(client, route);
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
    for (const port of new Set([...this.#clients.values()].flatMap((route) => route?.port ?? []))) {
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

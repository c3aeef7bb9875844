import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What becomes of a request that carries a word: `lose` delivers it and cuts the answer off, `drop` cuts it off before. */
export interface Trouble {
  readonly carries: string;
  readonly how: 'lose' | 'drop' | 'hang';
  /** Done before the request is delivered, such as a change by somebody else at that very moment. */
  readonly before?: () => Promise<void>;
}

/** A wire between a client and a server that can be cut. */
export interface Relay {
  readonly host: string;
  /** How many requests carried this word, delivered or not. */
  count(word: string): number;
  /** For the next request of this kind; what comes after it goes through. */
  trouble(one: Trouble | { readonly carries: string; readonly before: () => Promise<void> }): void;
  /** Cuts the connections that are open now; new ones go through. */
  cut(): void;
  stop(): Promise<void>;
}

/** @param port where it listens: a free one when absent, or the path of a socket */
export async function startRelay(to: NetConnectOpts, port: number | string = 0): Promise<Relay> {
  const heard: string[] = [];
  const open = new Set<Socket>();
  let next: (Partial<Trouble> & { readonly carries: string }) | undefined;
  const server = createServer((client) => {
    const far = connect(to);
    for (const socket of [client, far]) {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      socket.on('error', () => undefined);
    }
    client.once('close', () => far.destroy());
    far.once('close', () => client.destroySoon());
    let lost = false;
    far.on('data', (piece) => (lost ? client.destroy() : client.write(piece)));
    client.on('end', () => far.end());
    client.on('data', (piece: Buffer) => {
      const text = piece.toString('latin1');
      heard.push(text);
      const mine = next !== undefined && text.includes(next.carries) ? next : undefined;
      if (!mine) return void far.write(piece);
      next = undefined;
      client.pause();
      void (mine.before?.() ?? Promise.resolve()).then(() => {
        client.resume();
        if (mine.how === 'drop') return client.destroy();
        if (mine.how === 'hang') return undefined;
        lost = mine.how === 'lose';
        return far.write(piece);
      });
    });
  });
  const address = typeof port === 'string' ? { path: port } : { port, host: '127.0.0.1' };
  await new Promise<void>((resolve) => server.listen(address, resolve));
  return {
    host: typeof port === 'string' ? port : `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: (word) => heard.filter((text) => text.includes(word)).length,
    trouble: (one) => (next = one),
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

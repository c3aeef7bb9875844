import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A server of the app that says which one it is; `/slow` takes its time. */
export interface Upstream {
  readonly name: string;
  readonly address: string;
  /** Requests that have begun and not ended. */
  underWay(): number;
  served(): number;
  stop(): Promise<void>;
}

export const SLOW_MS = 700;

export async function startUpstream(name: string): Promise<Upstream> {
  let [underWay, served] = [0, 0];
  const server: Server = createServer((request, response) => {
    if (request.url === '/health') return void response.end('ok');
    underWay += 1;
    void pause(request.url === '/slow' ? SLOW_MS : 1).then(() => {
      underWay -= 1;
      served += 1;
      response.end(name);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    name,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    underWay: () => underWay,
    served: () => served,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Visit {
  /** Milliseconds of `performance.now()`. */
  readonly began: number;
  readonly ended: number;
  readonly slow: boolean;
  /** Which upstream answered; null when the request failed. */
  readonly by: string | null;
  readonly problem: string | null;
}

/** One request through a router, as a browser makes it. */
export async function visit(url: string, agent: Agent, slow = false): Promise<Visit> {
  const began = performance.now();
  const outcome = await request(slow ? `${url}/slow` : url, agent);
  return { began, ended: performance.now(), slow, ...outcome };
}

/**
 * A request over a connection that the server closed while it was idle has not been looked at: browsers send it again, and so do
 * we. Measured: of 20 connections that are never idle for long, Caddy meets one in two or three switches; HAProxy closes none.
 */
async function request(url: string, agent: Agent): Promise<{ by: string | null; problem: string | null }> {
  for (;;) {
    const outcome = await new Promise<{ by: string | null; problem: string | null; again: boolean }>((resolve) => {
      const sent = get(url, { agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.once('end', () => {
          const fine = response.statusCode === 200;
          resolve({ by: fine ? text : null, problem: fine ? null : `${response.statusCode} ${text}`, again: false });
        });
        response.once('error', (error) => resolve({ by: null, problem: error.message, again: false }));
      });
      sent.once('error', (error) => {
        const again = sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET';
        resolve({ by: null, problem: error.message, again });
      });
    });
    if (!outcome.again) return outcome;
    retried += 1;
  }
}

let retried = 0;
/** How often a request was sent again because an idle connection had just been closed. */
export const sentAgain = (): number => retried;

/** Many who visit without a pause over connections that stay open, one in ten requests a slow one. */
export function startVisitors(
  url: string,
  count: number,
): { readonly visits: readonly Visit[]; stop(): Promise<void> } {
  const visits: Visit[] = [];
  let on = true;
  const people = Array.from({ length: count }, async (_, number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    // Not all at once: at every moment some wait for a slow answer.
    await pause((number * SLOW_MS) / count);
    for (let at = number; on; at += 1) visits.push(await visit(url, agent, at % 10 === 0));
    agent.destroy();
  });
  return {
    visits,
    stop: async () => {
      on = false;
      await Promise.all(people);
    },
  };
}

import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import autocannon from 'autocannon';

const CONNECTIONS = 8;
const RATE = 60;
const SLOW_PEOPLE = 3;
const SLOW_MS = 1_200;
const TIMEOUT_S = 20;
const QUESTION = 'What is retrieval?';

export interface Visit {
  /** Clock of this machine, in milliseconds. */
  readonly began: number;
  readonly kind: 'quick' | 'slow';
  /** Null when it was answered as it should be. */
  readonly problem: string | null;
}

/**
 * Readers who come without a pause over connections that are kept open, and some whose questions arrive slowly. Autocannon opens a
 * connection again that the router has closed while it was idle, as browsers do; everything else that fails is written down.
 */
export class Readers {
  readonly visits: Visit[] = [];
  readonly #url: string;
  readonly #load: autocannon.Instance;
  readonly #slow: Promise<void>[];
  #on = true;

  constructor(url: string) {
    this.#url = url;
    const json = { 'content-type': 'application/json' };
    const options = {
      url,
      connections: CONNECTIONS,
      overallRate: RATE,
      timeout: TIMEOUT_S,
      duration: 3_600,
      requests: [
        { method: 'GET', path: '/health/deep' },
        { method: 'GET', path: '/health' },
        { method: 'POST', path: '/ask', headers: json, body: JSON.stringify({ question: QUESTION }) },
      ],
    } satisfies autocannon.Options;
    // With a callback it hands out what can be listened to, and stopped.
    this.#load = autocannon(options, () => undefined);
    this.#load.on('response', (_client, status, _bytes, milliseconds) =>
      this.#note('quick', Date.now() - milliseconds, status < 400 ? null : String(status)),
    );
    this.#load.on('reqError', (error: Error) => {
      const waited = /timed out/.test(error.message) ? TIMEOUT_S * 1_000 : 0;
      this.#note('quick', Date.now() - waited, error.message);
    });
    this.#slow = Array.from({ length: SLOW_PEOPLE }, (_, person) => this.#askSlowly(person));
  }

  /** Waits until so many more have been answered as they should be. */
  async more(count: number): Promise<void> {
    const answered = (): number => this.visits.filter(({ problem }) => problem === null).length;
    const wanted = answered() + count;
    for (const deadline = Date.now() + 60_000; answered() < wanted; await pause(20))
      if (Date.now() > deadline) throw new Error(`${answered()} of ${wanted} were answered`);
  }

  async stop(): Promise<readonly Visit[]> {
    this.#on = false;
    await Promise.all(this.#slow);
    this.#load.stop();
    return this.visits;
  }

  #note(kind: Visit['kind'], began: number, problem: string | null): void {
    if (this.#on || kind === 'slow') this.visits.push({ began, kind, problem });
  }

  async #askSlowly(person: number): Promise<void> {
    await pause((person * SLOW_MS) / SLOW_PEOPLE);
    while (this.#on) {
      const began = Date.now();
      this.#note('slow', began, await this.#askOnce());
    }
  }

  /** Half of a question now, and half of it later: in between the router may have been changed. */
  async #askOnce(): Promise<string | null> {
    const body = JSON.stringify({ question: QUESTION });
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(`${this.#url}/ask`, { method: 'POST', headers, agent: false, timeout: TIMEOUT_S * 1_000 });
    const answered = new Promise<string | null>((resolve) => {
      sent.once('response', (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200 ? null : String(response.statusCode)));
        response.once('error', (error) => resolve(error.message));
      });
      sent.once('timeout', () => sent.destroy(new Error('timed out')));
      sent.once('error', (error) => resolve(error.message));
    });
    sent.write(body.slice(0, 10));
    await pause(SLOW_MS);
    sent.end(body.slice(10));
    return answered;
  }
}

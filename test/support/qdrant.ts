import { type QdrantConfig, qdrantConfigSchema } from '../../config/schema.ts';
import { ADMIN_KEY, FrontProcess, makeGrounds, READ_KEY } from './front.ts';

export { ADMIN_KEY, READ_KEY };

/** The sandbox's Qdrant (the real engine behind a REST front) in a folder and on ports of its own. */
export interface QdrantUnderTest {
  readonly url: string;
  /** Settings that reach it with the right keys. */
  config(overrides?: object): QdrantConfig;
  /** A request with the admin key; throws unless it is answered with 200. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  /** Turns a fault switch on, or all of them off. */
  fault(name: string, parameters: object): Promise<void>;
  noFaults(): Promise<void>;
  /** Ends the process the hard way, lets `meanwhile` at its storage folder, and starts it again over what is there. */
  crash(meanwhile?: (storage: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** @param open true for a server without any key */
export async function startQdrant({ open = false } = {}): Promise<QdrantUnderTest> {
  const front = await new FrontProcess(await makeGrounds(open)).open();
  const { url } = front;
  const faults = `${front.faultUrl}/faults`;
  return {
    url,
    config: (overrides = {}) =>
      qdrantConfigSchema.parse({ url, ...(open ? {} : { apiKey: ADMIN_KEY, readOnlyApiKey: READ_KEY }), ...overrides }),
    call: async <T>(method: string, path: string, body?: unknown) =>
      ((await send(method, url + path, body)) as { result: T }).result,
    fault: async (name, parameters) => void (await send('PUT', `${faults}/${name}`, parameters)),
    noFaults: async () => void (await send('DELETE', faults)),
    crash: async (meanwhile) => {
      await front.kill();
      await meanwhile?.(front.storageDir);
      await front.launch();
    },
    stop: () => front.stop(),
  };
}

async function send(method: string, url: string, body?: unknown): Promise<unknown> {
  const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
  const answer = await fetch(url, { method, headers: { 'api-key': ADMIN_KEY }, body: text });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${said}`);
  return said === '' ? undefined : (JSON.parse(said) as unknown);
}

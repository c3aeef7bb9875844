import { ADMIN_KEY, FrontProcess, makeGrounds, READ_KEY } from '../../support/front.ts';
import { send, type Exchange } from './exchange.ts';
import { writeJson, type Json } from './json.ts';
import type { Place } from './player.ts';

/** The sandbox's Qdrant, talked to byte by byte as the recorded exchanges are. */
export class Front extends FrontProcess {
  static async start(): Promise<Front> {
    return new Front(await makeGrounds()).open();
  }

  get place(): Place & { snapshotsDir: string; storageDir: string } {
    const { url, snapshotsDir, storageDir } = this;
    return { url, apiKey: ADMIN_KEY, readOnlyKey: READ_KEY, snapshotsDir, storageDir };
  }

  call(method: string, path: string, body?: Json, headers: Record<string, string> = {}): Promise<Exchange> {
    const bytes = body === undefined ? undefined : Buffer.from(writeJson(body));
    return send(this.url + path, method, { 'api-key': ADMIN_KEY, ...headers }, bytes, 60_000);
  }

  async result<T>(method: string, path: string, body?: Json): Promise<T> {
    const { status, data } = await this.call(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${data.toString()}`);
    return (JSON.parse(data.toString()) as { result: T }).result;
  }

  fault(method: 'PUT' | 'DELETE' | 'GET', name = '', params?: Json): Promise<Exchange> {
    const bytes = params === undefined ? undefined : Buffer.from(writeJson(params));
    return send(`${this.faultUrl}/faults${name && `/${name}`}`, method, {}, bytes, 10_000);
  }
}

/** A real server to play against instead, when the environment names one. */
export function realServer(): Place | undefined {
  const url = process.env['QDRANT_CONTRACT_URL'];
  if (!url) return undefined;
  return {
    url: url.replace(/\/$/, ''),
    apiKey: process.env['QDRANT_CONTRACT_API_KEY'] ?? '',
    readOnlyKey: process.env['QDRANT_CONTRACT_READ_ONLY_KEY'] ?? '',
    snapshotsDir: process.env['QDRANT_CONTRACT_SNAPSHOTS_DIR'],
    storageDir: process.env['QDRANT_CONTRACT_STORAGE_DIR'],
  };
}

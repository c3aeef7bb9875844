import { type ApiAnswer, type ApiRequest, startApi, type VendorApi } from './vendor-api.ts';

export const TOKEN = 'cloudflare-token-that-nobody-may-see';

/** As `Origin` of Cloudflare's own client, `resources/load-balancers`; so are the other two. */
export interface Origin {
  readonly name: string;
  readonly address: string;
  readonly enabled?: boolean;
  readonly weight?: number;
  readonly port?: number;
  readonly header?: { readonly Host?: readonly string[] };
  readonly virtual_network_id?: string;
  readonly disabled_at?: string;
}

export interface Pool {
  readonly id: string;
  readonly name: string;
  readonly enabled?: boolean;
  readonly minimum_origins?: number;
  readonly origins: readonly Origin[];
  readonly modified_on: string;
}

export interface DnsRecord {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly proxied: boolean;
  readonly ttl: number;
  readonly modified_on: string;
}

export interface CloudflareStandIn extends VendorApi {
  record: DnsRecord;
  pool: Pool;
}

/** The two things of one account that a router may change: read them, and PATCH, which overwrites what is supplied. */
export async function startCloudflare(): Promise<CloudflareStandIn> {
  const state: { record: DnsRecord; pool: Pool } = {
    record: {
      id: 'record1',
      name: 'api.book.example',
      type: 'A',
      content: '203.0.113.1',
      proxied: true,
      ttl: 1,
      modified_on: new Date(0).toISOString(),
    },
    pool: {
      id: 'pool1',
      name: 'app',
      enabled: true,
      minimum_origins: 1,
      modified_on: new Date(0).toISOString(),
      origins: [
        { name: 'a', address: '203.0.113.1', enabled: true, weight: 1, header: { Host: ['api.book.example'] } },
        { name: 'b', address: '203.0.113.2', enabled: false, weight: 1, disabled_at: '2026-01-01T00:00:00Z' },
        { name: 'c', address: 'app.book.example', enabled: false, weight: 1, port: 8443 },
      ],
    },
  };
  const api = await startApi((request) => answer(state, request));
  return Object.defineProperties(api, {
    record: { get: () => state.record, set: (record: DnsRecord) => (state.record = record) },
    pool: { get: () => state.pool, set: (pool: Pool) => (state.pool = pool) },
  }) as CloudflareStandIn;
}

const RECORD = '/zones/zone1/dns_records/record1';
const POOL = '/accounts/account1/load_balancers/pools/pool1';

function answer(state: { record: DnsRecord; pool: Pool }, { method, path, headers, body }: ApiRequest): ApiAnswer {
  if (headers['authorization'] !== `Bearer ${TOKEN}`) return failed(403, 10000, 'Authentication error');
  const kind = path === RECORD ? 'record' : path === POOL ? 'pool' : undefined;
  if (!kind) return failed(404, 1003, 'Record not found');
  if (method === 'GET') return succeeded(state[kind]);
  if (method !== 'PATCH') return failed(501, 0, 'not in this stand-in');
  const modified_on = new Date().toISOString();
  if (kind === 'record') {
    const { content } = body as Partial<DnsRecord>;
    if (state.record.type === 'A' && !/^[\d.]+$/.test(content ?? ''))
      return failed(400, 9005, 'Content for A record must be a valid IPv4 address.');
    return succeeded((state.record = { ...state.record, ...(body as Partial<DnsRecord>), modified_on }));
  }
  const { origins } = body as Partial<Pool>;
  if (origins?.some((origin) => 'disabled_at' in origin)) return failed(400, 1002, 'disabled_at is read-only');
  return succeeded((state.pool = { ...state.pool, ...(origins ? { origins } : {}), modified_on }));
}

function succeeded(result: object): ApiAnswer {
  return { status: 200, body: { success: true, errors: [], messages: [], result } };
}

function failed(status: number, code: number, message: string): ApiAnswer {
  return { status, body: { success: false, errors: [{ code, message }], messages: [], result: null } };
}

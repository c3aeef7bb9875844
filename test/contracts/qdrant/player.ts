import { setTimeout as sleep } from 'node:timers/promises';
import { describeBody, payloadOf, send, type Exchange } from './exchange.ts';
import { expand, expandText, type Variables } from './expand.ts';
import { isObject, pick, type Json } from './json.ts';
import type { Answer, Case } from './recording.ts';

const KEPT_HEADERS = [
  'retry-after',
  'content-range',
  'accept-ranges',
  'content-encoding',
  'content-disposition',
  'allow',
  'location',
  'www-authenticate',
];
const PRESENT_HEADERS = ['etag', 'last-modified'];

export type Place = {
  url: string;
  apiKey: string;
  readOnlyKey: string;
  snapshotsDir?: string | undefined;
  storageDir?: string | undefined;
};

/** Plays cases in order: what one step captured or kept is there for the next ones. */
export class Player {
  readonly variables: Variables = new Map();
  private readonly hidden: [string, string][];
  private readonly place: Place;
  private readonly artifacts: Map<string, Buffer>;

  constructor(place: Place, fixtureUrl: string, artifacts: Map<string, Buffer>) {
    this.place = place;
    this.artifacts = artifacts;
    const { url, apiKey, readOnlyKey, snapshotsDir, storageDir } = place;
    this.variables.set('base', url).set('fixture', fixtureUrl);
    this.variables.set('apiKey', apiKey).set('readOnlyKey', readOnlyKey);
    if (snapshotsDir) this.variables.set('snapshotsDir', snapshotsDir);
    this.hidden = [
      [url, '${base}'],
      [fixtureUrl, '${fixture}'],
      ...(snapshotsDir ? ([[snapshotsDir, '${snapshotsDir}']] as [string, string][]) : []),
      ...(storageDir ? ([[storageDir, '${storageDir}']] as [string, string][]) : []),
    ];
  }

  async play(one: Case): Promise<Answer> {
    await sleep((one.delay ?? 0) * 1000);
    const exchange = await this.exchange(one);
    if (one.keep && [200, 206].includes(exchange.status)) this.artifacts.set(one.keep, exchange.data);
    const body = describeBody(exchange);
    return {
      status: exchange.status,
      contentType: exchange.headers['content-type'] ?? null,
      headers: this.headersOf(exchange),
      captured: this.capture(one, exchange, body),
      body: this.hide(body),
    };
  }

  private async exchange(one: Case): Promise<Exchange> {
    const path = expandText(one.path, this.variables);
    const query = new URLSearchParams(expand(one.query ?? {}, this.variables) as Record<string, string>).toString();
    const url = (path.startsWith('http') ? path : this.place.url + path) + (query ? `?${query}` : '');
    const payload = payloadOf(one, this.variables, this.artifacts);
    const headers = this.requestHeaders(one, payload?.type);
    const deadline = Date.now() + (one.until?.seconds ?? 30) * 1000;
    for (;;) {
      const exchange = await send(url, one.method, headers, payload?.bytes, (one.timeout ?? 120) * 1000);
      if (!one.until || Date.now() > deadline || reached(one.until, exchange)) return exchange;
      await sleep(100);
    }
  }

  private requestHeaders(one: Case, type: string | undefined): Record<string, string> {
    const given: Record<string, string | null> = {
      'api-key': '${apiKey}',
      ...(type ? { 'content-type': type } : {}),
      ...one.headers,
    };
    const present = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null);
    return Object.fromEntries(present.map(([name, value]) => [name, expandText(value, this.variables)]));
  }

  private headersOf({ headers }: Exchange): Record<string, string | boolean> {
    const kept: Record<string, string | boolean> = {};
    for (const name of KEPT_HEADERS) {
      const value = headers[name];
      if (value !== undefined) kept[name] = this.hideText(value);
    }
    for (const name of PRESENT_HEADERS) if (name in headers) kept[name] = true;
    return kept;
  }

  private capture(one: Case, { headers }: Exchange, body: Json): Record<string, Json> {
    const captured: Record<string, Json> = {};
    for (const [name, path] of Object.entries(one.capture ?? {})) {
      const value = path.startsWith('header:') ? (headers[path.slice('header:'.length)] ?? null) : pick(body, path);
      if (value === null) continue;
      this.variables.set(name, value);
      captured[name] = this.hide(value);
    }
    return captured;
  }

  /** Takes this machine's addresses and folders out of an answer. */
  private hide(value: Json): Json {
    if (typeof value === 'string') return this.hideText(value);
    if (Array.isArray(value)) return value.map((one) => this.hide(one));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.hideText(key), this.hide(one)]));
  }

  private hideText(text: string): string {
    return this.hidden.reduce((shown, [literal, label]) => shown.replaceAll(literal, label), text);
  }
}

function reached(until: NonNullable<Case['until']>, exchange: Exchange): boolean {
  if (until.status !== undefined && exchange.status === until.status) return true;
  if (until.path === undefined) return false;
  const value = pick(describeBody(exchange), until.path);
  return until.equals === undefined ? value !== null : value === until.equals;
}

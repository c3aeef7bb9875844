import { isObject, type Json, type JsonObject } from './json.ts';
import type { Answer } from './recording.ts';

const SNAPSHOT_TIME = /\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d(?=\.snapshot)/g;
const SNAPSHOT_PEER = /-\d{6,20}-(?=<when>\.snapshot)/g;
const SHA256 = /\b[0-9a-f]{64}\b/g;
const LOCAL_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/;
const INSIDE_STORAGE = /\$\{storageDir\}\/[^`"\s]+/g;
const VALIDATOR_FIELDS = /\[\{(.*?)\}\]/g;
const PEER_KEYS = new Set(['peer_id', 'from', 'to']);

export type Normal = { status: number; contentType: string | null; headers: JsonObject; body: Json };

/**
 * Takes out of one server's answers what may differ between two servers that behave alike: times, peers, sizes and
 * hashes of archives, operation numbers. Values that a step captured are shown by name, so a hash that must be the same
 * as an earlier one still has to be.
 */
export class Normaliser {
  private readonly names: [literal: string, name: string][] = [];

  normal(answer: Answer): Normal {
    this.learn(answer.captured ?? {});
    const headers = { ...answer.headers };
    const range = headers['content-range'];
    if (typeof range === 'string') headers['content-range'] = range.replace(/\/\d+$/, '/<bytes>');
    return {
      status: answer.status,
      contentType: answer.contentType,
      headers: this.object(headers),
      body: this.body(answer.body, answer.status),
    };
  }

  private learn(captured: Record<string, Json>): void {
    for (const [name, literal] of Object.entries(captured)) {
      if (typeof literal !== 'string' || literal.length < 8) continue;
      if (!this.names.some(([known]) => known === literal)) this.names.push([literal, `\${${name}}`]);
    }
  }

  private body(body: Json, status: number): Json {
    if (!isObject(body)) return this.value(body);
    const seen = { ...body };
    if ('isTar' in seen && 'sha256' in seen) {
      if (status !== 206) seen['bytes'] = '<bytes>';
    } else {
      if (typeof seen['time'] === 'number') seen['time'] = '<seconds>';
      delete seen['usage'];
      if ('title' in seen && 'version' in seen) delete seen['commit'];
    }
    return this.object(seen);
  }

  private value(value: Json, key?: string, parent?: JsonObject): Json {
    if (typeof value === 'string') {
      if (key === 'creation_time') return LOCAL_TIME.test(value) ? '<local time>' : value;
      return this.text(value);
    }
    if (Array.isArray(value)) return value.map((one) => this.value(one, key));
    if (isObject(value)) return this.object(value);
    if (typeof value === 'number' || typeof value === 'bigint') return this.number(value, key, parent);
    return value;
  }

  private object(value: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [this.text(key), this.value(one, key, value)]));
  }

  private number(value: number | bigint, key: string | undefined, parent: JsonObject = {}): Json {
    if (typeof value === 'number' && !Number.isInteger(value)) return value;
    if (key === 'operation_id' || (key === 'version' && 'score' in parent)) return '<operation>';
    if (key !== undefined && PEER_KEYS.has(key) && value > 1e6) return '<peer>';
    if (key === 'size' && 'creation_time' in parent) return value > 0 ? '<size>' : value;
    return key === 'segments_count' ? '<segments>' : value;
  }

  private text(text: string): string {
    return this.names
      .reduce((shown, [literal, name]) => shown.replaceAll(literal, name), text)
      .replaceAll(SNAPSHOT_TIME, '<when>')
      .replaceAll(SNAPSHOT_PEER, '-<peer>-')
      .replaceAll(INSIDE_STORAGE, '${storageDir}/<inside>')
      .replaceAll(VALIDATOR_FIELDS, (_, inner: string) => `[{${inner.split(', ').sort().join(', ')}}]`)
      .replaceAll(SHA256, (hash) => (new Set(hash).size < 3 ? hash : '<sha256>'));
  }
}

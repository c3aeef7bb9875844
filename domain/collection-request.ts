import type { RecoverySet } from './recovery-set.ts';

type Shape = RecoverySet['qdrant']['shape'];
type Json = Readonly<Record<string, unknown>>;

/** Body of `PUT /collections/{c}/index`. */
export interface IndexRequest {
  readonly field_name: string;
  readonly field_schema: unknown;
}

/** Everything that has to be asked of a server so that a collection of this shape stands there. */
export interface CollectionRequests {
  /** Body of `PUT /collections/{c}`, without strict mode. */
  readonly create: Json;
  /** Body of a `PATCH` for what a creation does not take; absent when there is nothing of that kind. */
  readonly patch?: Json | undefined;
  /** Bodies of `PUT /collections/{c}/shards`, before any point. */
  readonly shardKeys: readonly Json[];
  /** Before any point, so that the graph is built once and with them. */
  readonly indexes: readonly IndexRequest[];
  /** Limits that the collection sets on its callers, for a `PATCH`; absent where there are none. */
  readonly strict?: { readonly config: Json; readonly hinders: boolean } | undefined;
}

/** What may only be changed of a collection that is there. */
const PATCHED = ['read_fan_out_factor', 'read_fan_out_delay_ms'];
/** `uuid` is new with every creation; the others have a place of their own. */
const PLACED = ['uuid', 'params', 'optimizer_config', 'strict_mode_config', 'metadata', 'shard_keys'];

/**
 * Turns a configuration as `GET /collections/{c}` tells it into what recreates it. Total: what is not known here goes into the
 * creation under its own name, since servers learn new settings and ignore what they do not know.
 */
export function requestsOf({ config, payloadSchema }: Shape): CollectionRequests {
  const params = objectOf(config['params']);
  const patch = pick(params, (name) => PATCHED.includes(name));
  const strict = withoutNulls(objectOf(config['strict_mode_config']));
  return {
    create: {
      ...pick(params, (name) => !PATCHED.includes(name)),
      ...pick(config, (name) => !PLACED.includes(name)),
      ...(isSet(config['optimizer_config']) ? { optimizers_config: withoutNulls(config['optimizer_config']) } : {}),
      // People's own notes, in which a null may mean something.
      ...(isSet(config['metadata']) ? { metadata: config['metadata'] } : {}),
    },
    ...(isEmpty(patch) ? {} : { patch: { params: patch } }),
    shardKeys: shardKeysOf(config),
    indexes: Object.entries(payloadSchema).flatMap(([field, index]) => indexRequest(field, index)),
    ...(isEmpty(strict) ? {} : { strict: { config: strict, hinders: hinders(strict) } }),
  };
}

/** `{shard_key, shards_number}` by key, where the collection is sharded by keys (`activities/qdrant/shard-keys.ts` reads them). */
function shardKeysOf(config: Json): Json[] {
  const keys = config['shard_keys'];
  return Array.isArray(keys)
    ? keys.map((key: unknown) => (isObject(key) ? withoutNulls(key) : { shard_key: key }))
    : [];
}

function indexRequest(field: string, index: unknown): IndexRequest[] {
  const { data_type, params } = objectOf(index);
  const settings = isObject(params) ? withoutNulls(params) : {};
  const schema = isEmpty(settings) ? data_type : { ...(isSet(data_type) ? { type: data_type } : {}), ...settings };
  return isSet(schema) ? [{ field_name: field, field_schema: schema }] : [];
}

/** What a recovery asks for at once: pages of ids, points a write, searches for the best ten. */
const WANTED: Readonly<Record<string, number>> = { max_query_limit: 1_000, upsert_max_batchsize: 256 };
/** Limits under which a collection cannot be filled, or counted, in any reasonable time. */
const STOPPING = ['read_rate_limit', 'write_rate_limit', 'max_resident_memory_percent'];

/** Whether these limits would get in the way of filling and checking. */
function hinders(strict: Json): boolean {
  if (strict['enabled'] !== true) return false;
  return (
    strict['search_allow_exact'] === false ||
    STOPPING.some((name) => isSet(strict[name])) ||
    Object.entries(WANTED).some(([name, wanted]) => typeof strict[name] === 'number' && strict[name] < wanted)
  );
}

function pick(from: Json, wanted: (name: string) => boolean): Json {
  return withoutNulls(Object.fromEntries(Object.entries(from).filter(([name]) => wanted(name))));
}

/** Without what is null at any depth: Qdrant tells its unset settings so, and a null of `wal_config` broke restores of 1.16. */
function withoutNulls<T>(value: T): T {
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => isSet(inner));
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)])) as T;
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which payload field is which: by what the values are, and among equals by what such fields are usually called. */
import { isPointId } from './point-id.ts';
import type { FoundCollection, Payload } from './discovered.ts';

/** A field and why it was taken. */
export interface Guess {
  readonly name: string;
  readonly why: string;
}

export interface FieldGuesses {
  readonly text?: Guess | undefined;
  readonly source?: Guess | undefined;
  readonly chunkId?: Guess | undefined;
  readonly chunkIndex?: Guess | undefined;
  readonly contentHash?: Guess | undefined;
}

const TEXT = ['text', 'content', 'chunk_text', 'page_content', 'body', 'chunk'];
const SOURCE = [
  'source',
  'source_file',
  'file_path',
  'doc_path',
  'filename',
  'source_url',
  'url',
  'anchor_url',
  'section',
];
const INDEX = ['chunk_index', 'chunkIndex', 'index', 'position', 'chunk_no'];
const HASH = ['content_hash', 'contentHash', 'text_hash', 'hash', 'sha256', 'checksum'];
const CHUNK_ID = ['chunk_id', 'chunkId', 'qdrant_point_id'];
/** A passage is longer than a name. */
const PASSAGE = 60;
/** How many of the sampled points must have a field. */
const MOST = 0.9;

/** Field paths of a payload, one level into objects. */
export function pathsOf(payload: Payload): Map<string, unknown> {
  const paths = new Map<string, unknown>();
  for (const [key, value] of Object.entries(payload)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [inner, held] of Object.entries(value)) paths.set(`${key}.${inner}`, held);
    else paths.set(key, value);
  }
  return paths;
}

/** What the payloads of a page tell. */
export function guessFields({ sample }: Pick<FoundCollection, 'sample'>): FieldGuesses {
  const values = columnsOf(sample.map(({ payload }) => payload));
  const common = [...values].filter(([, held]) => held.length >= MOST * sample.length);
  const strings = common.filter(([, held]) => held.every((value) => typeof value === 'string')) as [string, string[]][];
  const text = longest(strings);
  const rest = strings.filter(([name]) => name !== text?.name);
  return {
    text,
    source: called(SOURCE, rest, () => true, 'is called so, and is a text'),
    chunkId: called(CHUNK_ID, [...rest, ...common], (value) => isPointId(String(value)), 'is called so, and holds ids'),
    chunkIndex: called(INDEX, common, (value) => Number.isInteger(value), 'is called so, and counts'),
    contentHash: called(
      HASH,
      rest,
      (value) => /^[0-9a-f]{16,128}$/i.test(String(value)),
      'is called so, and is hexadecimal',
    ),
  };
}

function columnsOf(payloads: readonly Payload[]): Map<string, unknown[]> {
  const columns = new Map<string, unknown[]>();
  for (const payload of payloads)
    for (const [path, value] of pathsOf(payload))
      if (value !== null && value !== undefined) columns.set(path, [...(columns.get(path) ?? []), value]);
  return columns;
}

function longest(strings: readonly (readonly [string, readonly string[]])[]): Guess | undefined {
  const measured = strings.map(([name, held]) => ({
    name,
    length: held.reduce((sum, text) => sum + text.length, 0) / held.length,
  }));
  const passages = measured.filter(({ length }) => length >= PASSAGE).sort((a, b) => b.length - a.length);
  const found =
    passages.find(({ name }) => TEXT.includes(lastOf(name))) ??
    passages[0] ??
    measured.find(({ name }) => TEXT.includes(lastOf(name)));
  return found && { name: found.name, why: `${Math.round(found.length)} characters on average` };
}

function called(
  names: readonly string[],
  fields: readonly (readonly [string, readonly unknown[]])[],
  fits: (value: unknown) => boolean,
  why: string,
): Guess | undefined {
  for (const name of names) {
    const found = fields.find(([path, held]) => lastOf(path) === name && held.every(fits));
    if (found) return { name: found[0], why };
  }
  return undefined;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** What point ids are. */
export function idStrategyOf({ sample }: Pick<FoundCollection, 'sample'>): 'uuid' | 'int' | 'any' {
  const uuids = sample.filter(({ id }) => id.includes('-')).length;
  if (sample.length === 0) return 'any';
  return uuids === sample.length ? 'uuid' : uuids === 0 ? 'int' : 'any';
}

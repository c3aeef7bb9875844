import { RecoveryError } from '../../domain/failures.ts';
import { parsePointId, type PointId } from '../../domain/point-id.ts';

/**
 * A point as it lies in the bytes of an answer. Points are copied from these bytes: reading and rewriting 768 numbers a
 * point would cost more than the server takes to store them, and ids above 2^53 would be rounded.
 */
export interface PointBytes {
  readonly id: PointId;
  /** The whole JSON object. */
  readonly json: Buffer;
  /** JSON of its payload and vector; absent when they were not asked for. */
  readonly payload?: Buffer;
  readonly vector?: Buffer;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const [OPEN_ARRAY, CLOSE_ARRAY] = [0x5b, 0x5d];
const [OPEN_OBJECT, CLOSE_OBJECT] = [0x7b, 0x7d];

/** The points in `{"result": [...]}`, or in `{"result": {"points": [...]}}`. */
export function pointsOf(answer: Buffer): PointBytes[] {
  let list = member(answer, 'result');
  if (list?.[0] === OPEN_OBJECT) list = member(list, 'points');
  if (list?.[0] !== OPEN_ARRAY) throw unreadable('an answer without a list of points');
  return elements(list).map(pointOf);
}

/** One member of a JSON object, as bytes. */
export function member(object: Buffer, name: string): Buffer | undefined {
  for (const [key, value] of members(object)) if (key === name) return value;
  return undefined;
}

function pointOf(json: Buffer): PointBytes {
  let id: PointId | undefined;
  let payload: Buffer | undefined;
  let vector: Buffer | undefined;
  for (const [key, value] of members(json)) {
    if (key === 'id') id = idOf(value);
    else if (key === 'payload') payload = value;
    else if (key === 'vector') vector = value;
  }
  if (id === undefined) throw unreadable('a point without an id');
  return { id, json, ...(payload && { payload }), ...(vector && { vector }) };
}

/** @throws RecoveryError UNKNOWN_ID_TYPE */
export function idOf(value: Buffer): PointId {
  const text = value.toString('latin1');
  const id = parsePointId(text.startsWith('"') ? text.slice(1, -1) : /^[0-9]+$/.test(text) ? BigInt(text) : undefined);
  if (id === undefined)
    throw new RecoveryError(
      'UNKNOWN_ID_TYPE',
      `Qdrant: a point has the id ${text.slice(0, 80)}, neither an unsigned integer nor a UUID`,
    );
  return id;
}

function* members(object: Buffer): Generator<[string, Buffer]> {
  if (object[0] !== OPEN_OBJECT) throw unreadable('not a JSON object');
  for (let at = skipSpace(object, 1); object[at] !== CLOSE_OBJECT;) {
    const keyEnd = endOfString(object, at);
    const from = skipSpace(object, expect(object, skipSpace(object, keyEnd), COLON));
    const to = endOfValue(object, from);
    yield [object.toString('utf8', at + 1, keyEnd - 1), object.subarray(from, to)];
    at = afterComma(object, to, CLOSE_OBJECT);
  }
}

function elements(array: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = skipSpace(array, 1); array[at] !== CLOSE_ARRAY;) {
    const to = endOfValue(array, at);
    found.push(array.subarray(at, to));
    at = afterComma(array, to, CLOSE_ARRAY);
  }
  return found;
}

function afterComma(json: Buffer, at: number, close: number): number {
  const next = skipSpace(json, at);
  return json[next] === close ? next : skipSpace(json, expect(json, next, COMMA));
}

function expect(json: Buffer, at: number, byte: number): number {
  if (json[at] !== byte) throw unreadable('not JSON');
  return at + 1;
}

function skipSpace(json: Buffer, from: number): number {
  let at = from;
  while (json[at] === 0x20 || json[at] === 0x0a || json[at] === 0x0d || json[at] === 0x09) at += 1;
  return at;
}

/** Where the value that starts at `from` ends. */
function endOfValue(json: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < json.length;) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at);
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      depth += 1;
      at = byte === OPEN_ARRAY ? skipNumbers(json, at + 1) : at + 1;
      continue;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      if (depth === 0) return at;
      depth -= 1;
      at += 1;
    } else if (depth === 0 && (byte === COMMA || byte === 0x20 || byte === 0x0a)) return at;
    else {
      at += 1;
      continue;
    }
    if (depth === 0) return at;
  }
  if (depth > 0) throw unreadable('JSON that ends too early');
  return json.length;
}

/** Jumps to the end of an array of plain numbers, which is nearly all that an answer with vectors consists of. */
function skipNumbers(json: Buffer, at: number): number {
  const first = json[at];
  if (first === undefined || (first !== 0x2d && (first < 0x30 || first > 0x39))) return at;
  const close = json.indexOf(CLOSE_ARRAY, at);
  for (const byte of [QUOTE, OPEN_ARRAY, OPEN_OBJECT]) {
    const found = json.indexOf(byte, at);
    if (found !== -1 && found < close) return at;
  }
  return close === -1 ? at : close;
}

function endOfString(json: Buffer, from: number): number {
  if (json[from] !== QUOTE) throw unreadable('not JSON');
  for (let end = json.indexOf(QUOTE, from + 1); end !== -1; end = json.indexOf(QUOTE, end + 1)) {
    let slashes = 0;
    while (json[end - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
  }
  throw unreadable('JSON that ends within a string');
}

function unreadable(what: string): RecoveryError {
  return new RecoveryError('QDRANT_REFUSED', `Qdrant answered with ${what}`);
}

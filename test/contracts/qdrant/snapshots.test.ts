import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeVector } from './expand.ts';
import { Front } from './front.ts';
import type { Json } from './json.ts';

const DIM = 768;
const COUNT = 500;
let front: Front;

beforeAll(async () => {
  front = await Front.start();
  await front.result('PUT', '/collections/book', {
    vectors: { size: DIM, distance: 'Cosine' },
    metadata: { edition: 2 },
  });
  await front.result('PUT', '/collections/book/index?wait=true', { field_name: 'section', field_schema: 'keyword' });
  const points: Json = Array.from({ length: COUNT }, (_, i) => ({
    id: i,
    vector: makeVector(DIM, i + 1),
    payload: { section: `${i % 9}.1`, text: 'x'.repeat(i % 50) },
  }));
  await front.result('PUT', '/collections/book/points?wait=true', { points });
});

afterAll(async () => {
  await front.stop();
});

type Description = { name: string; size: number; checksum: string };

async function everything(name: string): Promise<Json> {
  const page = { limit: COUNT + 10, with_payload: true, with_vector: true };
  return front.result('POST', `/collections/${name}/points/scroll`, page);
}

/** Names and types of the entries of a tar. GNU sparse entries may carry extension blocks after their header. */
function entries(archive: Buffer): { name: string; type: string }[] {
  const found = [];
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const header = archive.subarray(at, at + 512);
    const field = (from: number, to: number): string => header.toString('latin1', from, to).replace(/\0.*$/s, '');
    const size = Number.parseInt(field(124, 136), 8);
    found.push({ name: field(0, 100), type: field(156, 157) });
    at += 512;
    for (let more = field(156, 157) === 'S' && header[482] === 1; more; at += 512) more = archive[at + 504] === 1;
    at += Math.ceil(size / 512) * 512;
  }
  return found;
}

describe('a snapshot of the front', () => {
  let snapshot: Description;
  let archive: Buffer;

  beforeAll(async () => {
    snapshot = await front.result('POST', '/collections/book/snapshots');
    archive = (await front.call('GET', `/collections/book/snapshots/${snapshot.name}`)).data;
  });

  test('is the file that its description promises', () => {
    expect(archive.length).toBe(snapshot.size);
    expect(createHash('sha256').update(archive).digest('hex')).toBe(snapshot.checksum);
  });

  test('leaves the zeros of preallocated files out', () => {
    const vectors = COUNT * DIM * 4;
    expect(snapshot.size).toBeGreaterThan(vectors);
    expect(snapshot.size).toBeLessThan(4 * vectors); // without sparse entries: more than 128 MB
  });

  test('is laid out as a server lays it out', () => {
    const names = entries(archive).map(({ name }) => name);
    const types = new Set(entries(archive).map(({ type }) => type));
    for (const name of [
      'config.json',
      'version.info',
      'payload_index.json',
      '0/replica_state.json',
      '0/shard_config.json',
    ]) {
      expect(names).toContain(name);
    }
    expect(names.some((name) => /^0\/segments\/[0-9a-f-]{36}\.tar$/.test(name))).toBe(true);
    expect(names.some((name) => name.startsWith('0/wal/'))).toBe(true);
    expect([...types].sort().join('')).toMatch(/^0?5?L?S?$/); // regular, folder, long name, sparse: nothing else
  });

  test('comes back point for point, with index and metadata', async () => {
    const location = `${front.place.url}/collections/book/snapshots/${snapshot.name}`;
    const body = { location, checksum: snapshot.checksum, api_key: front.place.apiKey };
    expect(await front.result('PUT', '/collections/copy/snapshots/recover', body)).toBe(true);
    expect(await everything('copy')).toEqual(await everything('book'));
    expect(await front.result('GET', '/collections/copy')).toMatchObject({
      config: { metadata: { edition: 2 } },
      payload_schema: { section: { data_type: 'keyword', points: COUNT } },
    });
  });

  test('can be taken of a restored collection, and restored again after a kill', async () => {
    await sleep(1100); // names have a resolution of a second
    const second = await front.result<Description>('POST', '/collections/copy/snapshots');
    await front.kill();
    await front.launch();
    const location = `file://${front.place.snapshotsDir}/copy/${second.name}`;
    await front.result('PUT', '/collections/third/snapshots/recover', { location });
    expect(await everything('third')).toEqual(await everything('book'));
  });

  test('replaces what a collection has meanwhile become', async () => {
    const before = await everything('book');
    await front.result('POST', '/collections/book/points/delete?wait=true', { points: [1, 2, 3] });
    const location = `file://${front.place.snapshotsDir}/book/${snapshot.name}`;
    await front.result('PUT', '/collections/book/snapshots/recover', { location, priority: 'snapshot' });
    expect(await everything('book')).toEqual(before);
  });

  test('is downloaded in parts that make up the whole', async () => {
    const path = `/collections/book/snapshots/${snapshot.name}`;
    const half = snapshot.size >> 1;
    const first = await front.call('GET', path, undefined, { range: `bytes=0-${half - 1}` });
    const etag = first.headers['etag'] ?? '';
    const rest = await front.call('GET', path, undefined, { range: `bytes=${half}-`, 'if-range': etag });
    expect([first.status, rest.status]).toEqual([206, 206]);
    expect(Buffer.concat([first.data, rest.data]).equals(archive)).toBe(true);
    const changed = await front.call('GET', path, undefined, { range: `bytes=${half}-`, 'if-range': '"other"' });
    expect(changed.status).toBe(200);
  });

  test('damaged in a segment description leaves a collection that answers 500, as on a server', async () => {
    const at = archive.indexOf('snapshot/files/segment.json') + 512; // its content follows its header
    const name = 'broken.snapshot';
    expect(at).toBeGreaterThan(512);
    const damaged = Buffer.from(archive);
    damaged.write('~', at);
    const boundary = 'part';
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="snapshot"; filename="${name}"\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), damaged, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    const answer = await fetch(`${front.place.url}/collections/broken/snapshots/upload`, {
      method: 'POST',
      headers: { 'api-key': front.place.apiKey, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body,
    });
    expect(answer.status).toBe(500);
    expect((await front.call('GET', '/collections/broken')).status).toBe(500);
    expect(await front.result('DELETE', '/collections/broken')).toBe(true);
  });

  test('leaves no scratch files behind', async () => {
    const left = await readdir(join(front.place.storageDir, 'tmp'));
    expect(left).toEqual([]);
    const stored = await readFile(join(front.place.snapshotsDir, 'book', `${snapshot.name}.checksum`), 'utf8');
    expect(stored).toBe(snapshot.checksum);
  });
});

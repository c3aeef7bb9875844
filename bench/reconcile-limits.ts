import { pipeline } from 'node:stream/promises';
import { Writable } from 'node:stream';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { FAST_SORT, fingerprintSql } from '../activities/postgres/rows.ts';
import type { PostgresConfig, QdrantConfig } from '../config/schema.ts';
import { RawQdrant } from './raw-http.ts';
import { COLLECTION } from './reconcile-data.ts';
import { timed } from './timing.ts';

const CURSOR_ROWS = 10_000;

/** Lists every id of the collection and throws the bytes away: only the next offset is looked for. @returns seconds */
export async function rawScroll(config: QdrantConfig, page: number): Promise<number> {
  const raw = new RawQdrant(config, 1);
  try {
    const { seconds } = await timed(async () => {
      let offset: string | undefined = '';
      while (offset !== undefined) {
        const body = `{${offset}"limit":${page},"with_payload":false,"with_vector":false}`;
        const answer = await raw.send('POST', `/collections/${COLLECTION}/points/scroll`, body);
        const next = /"next_page_offset":("[^"]+"|\d+)/.exec(
          answer.toString('latin1', Math.max(0, answer.length - 200)),
        )?.[1];
        offset = next === undefined ? undefined : `"offset":${next},`;
      }
    });
    return seconds;
  } finally {
    await raw.close();
  }
}

/** The ways to read what a reconciliation needs of every row, in id order. */
export const READS = {
  'COPY with fingerprints': (url: string) => rawCopy(url, fingerprintSql('text')),
  'COPY with whole texts': (url: string) => rawCopy(url, 'text'),
  'cursor with fingerprints': (url: string) => rawCursor(url, fingerprintSql('text')),
} as const;

/** @returns seconds of the way of reading that is asked for */
export async function rawRows({ url }: PostgresConfig, way: keyof typeof READS): Promise<number> {
  const { seconds } = await timed(() => READS[way](url.reveal()));
  return seconds;
}

function select(text: string): string {
  return `SELECT id, ${text}, source FROM chunks WHERE id IS NOT NULL ORDER BY id`;
}

async function connected(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(['BEGIN READ ONLY', ...FAST_SORT].join('; '));
    await work(client);
  } finally {
    await client.end();
  }
}

function rawCopy(url: string, text: string): Promise<void> {
  return connected(url, async (client) => {
    const sink = new Writable({ write: (_bytes, _encoding, done) => done() });
    await pipeline(client.query(copyTo(`COPY (${select(text)}) TO STDOUT`, { highWaterMark: 1 << 20 })), sink);
  });
}

function rawCursor(url: string, text: string): Promise<void> {
  return connected(url, async (client) => {
    await client.query(`DECLARE every_row NO SCROLL CURSOR FOR ${select(text)}`);
    const fetch = { text: `FETCH ${CURSOR_ROWS} FROM every_row`, rowMode: 'array' as const };
    while ((await client.query(fetch)).rows.length > 0);
  });
}

/** One download into a store, in a process of its own, so that its peak memory is its own. Reads a task file, prints JSON. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Encrypter } from 'age-encryption';
import { request } from 'undici';
import { z } from 'zod';
import { createArtifactStore } from '../activities/store/index.ts';
import { storeConfigSchema } from '../config/store.ts';
import { contentOf } from '../domain/artifacts.ts';
import { timed } from './timing.ts';

const taskSchema = z.object({
  url: z.string(),
  directory: z.string(),
  way: z.enum(['store', 'library']),
  recipient: z.string().optional(),
});
const task = taskSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')));

async function download(): Promise<Readable> {
  const { body, statusCode } = await request(task.url);
  if (statusCode !== 200) throw new Error(`${task.url} answers ${statusCode}`);
  return body;
}

async function throughStore(): Promise<number> {
  const { directory, recipient } = task;
  const encryption = recipient === undefined ? {} : { encryption: { recipients: [recipient] } };
  const store = createArtifactStore(storeConfigSchema.parse({ directory, ...encryption }));
  return contentOf(await store.put('snapshot', await download())).bytes;
}

/** The library's own stream, hashed and flushed as the store does. */
async function throughLibrary(): Promise<number> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(task.recipient ?? '');
  const plain = Readable.toWeb(await download()) as ReadableStream<Uint8Array>;
  await mkdir(task.directory, { recursive: true });
  const file = await open(join(task.directory, 'snapshot'), 'w');
  const hash = createHash('sha256');
  let bytes = 0;
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform: (piece, controller) => {
      bytes += piece.length;
      controller.enqueue(piece);
    },
  });
  for await (const piece of await encrypter.encrypt(plain.pipeThrough(counting))) {
    hash.update(piece);
    await file.write(piece);
  }
  await file.sync();
  await file.close();
  return bytes;
}

const { seconds, result } = await timed(task.way === 'store' ? throughStore : throughLibrary);
// On Linux and macOS alike, Node gives kilobytes.
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ seconds, peakBytes, bytes: result }));

/** One reconciliation in a process of its own, so that its peak memory is its own. Reads a task file, prints JSON. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { createRowStore } from '../activities/postgres/index.ts';
import { createVectorStore } from '../activities/qdrant/vector-store.ts';
import { reconcileStack } from '../activities/stack/reconcile.ts';
import { createDiskStore } from '../activities/store/disk.ts';
import { loadConfig } from '../config/load.ts';
import { recoverySetSchema } from '../domain/recovery-set.ts';
import { ALONE } from './alone.ts';
import { timed } from './timing.ts';

const taskSchema = z.object({ collection: z.string(), folder: z.string(), set: recoverySetSchema });

const task = taskSchema.parse(JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')));
const config = await loadConfig();
const ports = {
  vectors: createVectorStore({ config: config.qdrant, embedding: config.embeddings.identity }),
  rows: config.postgres && createRowStore(config.postgres),
  store: createDiskStore(config.store.directory),
};
const { seconds, result } = await timed(() => reconcileStack(ports, { ...task, depth: 'ids' }, ALONE));
// On Linux and macOS alike, Node gives kilobytes.
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ seconds, peakBytes, counts: result.counts, tally: result.tally }));

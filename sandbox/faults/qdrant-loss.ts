import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withStores } from '../seed-context.ts';
import type { Fault, FaultContext } from './fault.ts';

const SPOILT_BYTES = 4_096;

/** Loss of a whole Qdrant, or of all that it holds: only another one, or another collection, mends it. */
export const qdrantLoss = {
  'disk-gone': {
    about: 'kills the Qdrant server and removes its disk',
    inject: async (context) => {
      await loseDisk(context);
      return 'Killed the Qdrant server with SIGKILL, and removed its storage folder.';
    },
  },
  'restart-empty': {
    about: 'kills the Qdrant server, removes its disk and starts it again, empty',
    inject: async (context) => {
      await loseDisk(context);
      await context.control.start('qdrant');
      return 'Removed all that Qdrant held; it runs again, and is empty.';
    },
  },
  'corrupt-segment': {
    about: 'overwrites the files of the collection’s segments, so that it cannot be opened any more',
    inject: corruptSegment,
  },
  'half-created': {
    about: 'leaves of the collection what an aborted restore leaves: its configuration, and no point',
    inject: async (context) =>
      withStores(context.env, async ({ qdrant, alias }) => {
        const { aliases } = await qdrant.getAliases();
        const name = aliases.find((one) => one.alias_name === alias)?.collection_name ?? alias;
        const { config } = await qdrant.getCollection(name);
        await qdrant.deleteCollection(name);
        await qdrant.createCollection(name, { vectors: config.params.vectors ?? {} });
        if (name !== alias)
          await qdrant.updateCollectionAliases({
            actions: [{ create_alias: { alias_name: alias, collection_name: name } }],
          });
        return `Left of ${name} what an aborted restore leaves: an empty collection without its indexes.`;
      }),
  },
} as const satisfies Record<string, Fault>;

async function loseDisk({ control, dir }: FaultContext): Promise<void> {
  const storage = storageOf(dir);
  await control.kill('qdrant');
  await rm(storage, { recursive: true, force: true });
  await mkdir(storage, { recursive: true });
}

/** @throws Error where the disk is not the sandbox's own */
function storageOf(dir: string | undefined): string {
  if (dir === undefined) throw new Error('this needs a Qdrant of the sandbox’s own: its disk is touched');
  return join(dir, 'qdrant', 'storage');
}

async function corruptSegment({ control, dir, env }: FaultContext): Promise<string> {
  const name = await withStores(env, async ({ qdrant, alias }) => {
    const { aliases } = await qdrant.getAliases();
    return aliases.find((one) => one.alias_name === alias)?.collection_name ?? alias;
  });
  const folder = join(storageOf(dir), 'collections', name);
  await control.kill('qdrant');
  let files = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/segment/.test(path) || !/\.json$/.test(path)) continue;
    const handle = await open(path, 'r+');
    await handle.write(Buffer.alloc(Math.min(SPOILT_BYTES, (await stat(path)).size), 0x5a), 0);
    await handle.close();
    files += 1;
  }
  await control.start('qdrant');
  if (files === 0) throw new Error(`there are no segments in ${folder}`);
  return `Overwrote ${files} files of the segments of ${name} in Qdrant.`;
}

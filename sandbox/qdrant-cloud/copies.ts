import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { QdrantServer } from './qdrant-server.ts';

const MANIFEST = 'manifest.json';

const manifestSchema = z.object({
  collections: z.array(z.object({ name: z.string(), file: z.string(), sha256: z.string() })),
  aliases: z.array(z.object({ alias_name: z.string(), collection_name: z.string() })),
});

/** Copies every collection of a server, and its aliases, into a folder. What an interrupted copy left is replaced. */
export async function takeCopy(server: QdrantServer, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const collections: z.infer<typeof manifestSchema>['collections'] = [];
  for (const [at, name] of (await server.collections()).entries()) {
    const file = `${at}.snapshot`;
    const { sha256 } = await server.download(name, join(folder, file));
    collections.push({ name, file, sha256 });
  }
  const aliases = await server.aliases();
  await writeFile(join(folder, MANIFEST), JSON.stringify({ collections, aliases }, null, 1));
}

/** Makes a server hold exactly what was copied into a folder: all else goes, as it does when a volume is put back. */
export async function bringBack(server: QdrantServer, folder: string): Promise<void> {
  const { collections, aliases } = manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')));
  await empty(server);
  for (const { name, file, sha256 } of collections) await server.upload(name, join(folder, file), sha256);
  await server.setAliases(aliases);
}

export async function empty(server: QdrantServer): Promise<void> {
  for (const name of await server.collections()) await server.drop(name);
}

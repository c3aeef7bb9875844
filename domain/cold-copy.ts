import { z } from 'zod';
import { artifactSchema } from './artifacts.ts';

/** What a copy of the storage folder of a stopped Qdrant consists of. It lies beside the sets, and no runbook chooses it. */
export const coldCopySchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^cold-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$/),
  environment: z.string().min(1),
  takenAt: z.iso.datetime(),
  /** The whole folder as one archive. */
  archive: artifactSchema,
  files: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** Names of the collections in it, by their folders. */
  collections: z.array(z.string()),
});
export type ColdCopy = z.infer<typeof coldCopySchema>;

/** Folder of a copy in the store. */
export function coldFolderOf(environment: string, id: string): string {
  return `cold/${environment}/${id}`;
}

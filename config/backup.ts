import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

/** How recovery sets are taken, and where they are tried out. */
export const backupConfigSchema = z.strictObject({
  /** Plants a paragraph among the chunks of both stores before each set, to be found again in every restored copy. */
  canary: z.boolean().default(false),
  /** How many points may be missing, unbacked, stale or malformed in a set that is still preferred. */
  tolerance: z.int().min(0).default(0),
  /** Base addresses of the other nodes of a Qdrant cluster: a snapshot holds only what lies on its own node. */
  nodes: z.array(httpUrlSchema).default([]),
  /** Collections besides the app's own that belong into a set. */
  collections: z.array(z.string().min(1).max(255)).default([]),
  /** Whole points that are kept aside, to compare them number by number after a restore. */
  samplePoints: z.int().min(1).max(1000).default(200),
  /** Qdrant’s storage folder as the worker sees it, for copies of a server that is stopped. */
  coldStorage: z.string().min(1).optional(),
  /** A Qdrant to restore snapshots on when a set is verified. Without it they are restored beside, on the live one. */
  verifyQdrant: z.strictObject({ url: httpUrlSchema, apiKey: secretSchema.optional() }).optional(),
});

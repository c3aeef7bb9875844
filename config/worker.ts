import { z } from 'zod';

/** What concerns the worker's process alone. */
export const workerConfigSchema = z.strictObject({
  /** A small server that tells how the worker and the sets are. Off when absent. */
  health: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(1).max(65_535),
    })
    .optional(),
});

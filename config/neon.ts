import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

/** Neon's control plane, for a Postgres that lives there. */
export const neonConfigSchema = z.strictObject({
  apiUrl: httpUrlSchema.default('https://console.neon.tech/api/v2'),
  apiKey: secretSchema,
  projectId: z.string().min(1),
  /** The branch that the app uses; the project's default one when absent. */
  branchId: z.string().min(1).optional(),
  /** Days that a backup branch lives. Neon lets branches expire within 30 days. */
  retentionDays: z.int().min(1).max(30).default(30),
  /** Neon's own snapshots, where the plan has them: what the schedule should be. */
  snapshotSchedule: z
    .strictObject({
      frequency: z.enum(['daily', 'weekly', 'monthly']).default('daily'),
      hour: z.int().min(0).max(23).default(3),
      retentionDays: z.int().min(1).max(35).default(30),
    })
    .optional(),
});
export type NeonConfig = z.infer<typeof neonConfigSchema>;

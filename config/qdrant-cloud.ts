import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

/** What the API takes as retention, in days. */
const LEAST_DAYS = 1;
const MOST_DAYS = 365;

/** Five fields of numbers, `*`, `,`, `-` and `/`, or one of the words that cron knows for them. In UTC. */
const CRON = /^(?:@(?:yearly|annually|monthly|weekly|daily|hourly)|[\d*,/-]+(?: +[\d*,/-]+){4})$/;

/**
 * Backups that Qdrant Cloud itself keeps of a whole cluster. Its management key needs read:backups, write:backups,
 * delete:backups, read:backup_schedules and write:backup_schedules.
 */
export const qdrantCloudConfigSchema = z.strictObject({
  url: httpUrlSchema.default('https://api.cloud.qdrant.io'),
  accountId: z.uuid(),
  clusterId: z.uuid(),
  /** A management key of the account, not a key of the database. */
  apiKey: secretSchema,
  /** The schedule that the cluster must have. */
  schedule: z
    .strictObject({
      cron: z
        .string()
        .regex(CRON, 'must be a cron expression of five fields, or @daily and the like')
        .default('0 3 * * *'),
      retentionDays: z.int().min(LEAST_DAYS).max(MOST_DAYS).default(30),
    })
    .prefault({}),
  /** A newest backup that is older than this is an alarm, in hours. */
  alarmHours: z.number().positive().default(26),
});
export type QdrantCloudConfig = z.infer<typeof qdrantCloudConfigSchema>;

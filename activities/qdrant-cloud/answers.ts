import { z } from 'zod';

/**
 * The API's answers, as far as we read them: qdrant/qdrant-cloud-public-api, BackupService v1. A field without a value is
 * null or not there. Statuses are a closed set today; one that is new is kept as it is, and taken for none that we know.
 */

const time = z.iso.datetime({ offset: true });

/** JSON of a protobuf duration, in seconds. */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?s$/)
  .transform((text) => Number.parseFloat(text));

/** An enum value without the name of its enum. */
const status = (prefix: string): z.ZodType<string> =>
  z
    .string()
    .default(`${prefix}UNSPECIFIED`)
    .transform((text) => text.replace(new RegExp(`^${prefix}`), ''));

const backupSchema = z.object({
  id: z.uuid(),
  createdAt: time,
  clusterId: z.uuid(),
  displayName: z.string().nullish(),
  status: status('BACKUP_STATUS_'),
  deletedAt: time.nullish(),
  backupDuration: duration.nullish(),
  backupScheduleId: z.uuid().nullish(),
  retentionPeriod: duration.nullish(),
});
export type Backup = z.infer<typeof backupSchema>;

const scheduleSchema = z.object({
  id: z.uuid(),
  createdAt: time,
  clusterId: z.uuid(),
  schedule: z.string(),
  status: status('BACKUP_SCHEDULE_STATUS_'),
  deletedAt: time.nullish(),
  retentionPeriod: duration.nullish(),
});
export type Schedule = z.infer<typeof scheduleSchema>;

/** One page of a list. */
export interface Page<T> {
  readonly items: T[];
  readonly nextPageToken?: string | null | undefined;
}

const listOf = <T>(item: z.ZodType<T>): z.ZodType<Page<T>> =>
  z.object({ items: z.array(item).default([]), nextPageToken: z.string().nullish() });

export const backupListSchema = listOf(backupSchema);
export const scheduleListSchema = listOf(scheduleSchema);
export const backupAnswerSchema = z.object({ backup: backupSchema });
export const scheduleAnswerSchema = z.object({ backupSchedule: scheduleSchema });

/** What of a cluster another one is made like. What else the configuration holds (disks, tuning) is taken along as it is. */
const configurationSchema = z.looseObject({
  numberOfNodes: z.int().positive(),
  packageId: z.uuid(),
  version: z.string().nullish(),
});

/** ClusterService v1: how a cluster is. */
const clusterSchema = z.object({
  id: z.uuid(),
  name: z.string().default(''),
  deletedAt: time.nullish(),
  cloudProviderId: z.string().default(''),
  cloudProviderRegionId: z.string().default(''),
  configuration: configurationSchema.optional(),
  state: z
    .object({
      phase: status('CLUSTER_PHASE_'),
      reason: z.string().nullish(),
      version: z.string().nullish(),
      endpoint: z.object({ url: z.string(), restPort: z.int().nullish() }).nullish(),
    })
    .default({ phase: 'UNSPECIFIED' }),
});
export const clusterAnswerSchema = z.object({ cluster: clusterSchema });
export const clusterListSchema = listOf(clusterSchema);
export type Cluster = z.infer<typeof clusterSchema>;

/** DatabaseApiKeyService v2. */
const databaseKeySchema = z.object({ id: z.uuid(), clusterId: z.uuid(), name: z.string() });
export type DatabaseKey = z.infer<typeof databaseKeySchema>;
export const databaseKeyListSchema = listOf(databaseKeySchema);
/** The key itself is told once, in the answer to its creation. */
export const newDatabaseKeySchema = z.object({ databaseApiKey: databaseKeySchema.extend({ key: z.string().min(1) }) });

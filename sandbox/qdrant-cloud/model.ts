import { z } from 'zod';

/** What is kept on disk. Times are RFC 3339, durations seconds with an `s`, as on the wire. */

const time = z.string();
const id = z.uuid();

/** Where a cluster's data really are: a server that was given, one of the pool, or one that the stand-in starts. */
const placeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('given'), url: z.string() }),
  z.object({ kind: z.literal('pool'), url: z.string() }),
  z.object({ kind: z.literal('front'), port: z.int() }),
]);
export type Place = z.infer<typeof placeSchema>;

/** Of the configuration only these matter here; what else a caller sets is kept and given back. */
export const configurationSchema = z.looseObject({
  numberOfNodes: z.int().min(1),
  packageId: id,
  version: z
    .string()
    .regex(/^(v\d+\.\d+\.\d+|latest)$/)
    .optional(),
});

const PHASES = [
  'CREATING',
  'FAILED_TO_CREATE',
  'UPDATING',
  'SCALING',
  'UPGRADING',
  'SUSPENDING',
  'SUSPENDED',
  'RESUMING',
  'FAILED_TO_RESUME',
  'HEALTHY',
  'NOT_READY',
  'DELETING',
] as const;
const phaseSchema = z.enum(PHASES);
export type Phase = z.infer<typeof phaseSchema>;

const clusterSchema = z.object({
  id,
  name: z.string(),
  createdAt: time,
  deletedAt: time.nullable(),
  cloudProviderId: z.string(),
  cloudProviderRegionId: z.string(),
  labels: z.array(z.unknown()),
  configuration: configurationSchema,
  phase: phaseSchema,
  reason: z.string(),
  version: z.string(),
  restartedAt: time.nullable(),
  /** The backup that it is made from. */
  fromBackup: id.nullable(),
  /** Where its endpoint listens. */
  port: z.int(),
  place: placeSchema.nullable(),
});
export type ClusterRecord = z.infer<typeof clusterSchema>;

const backupSchema = z.object({
  id,
  createdAt: time,
  clusterId: id,
  name: z.string(),
  displayName: z.string(),
  status: z.enum(['RUNNING', 'SKIPPED', 'FAILED', 'SUCCEEDED', 'FAILED_TO_SYNC', 'NOT_FOUND']),
  deletedAt: time.nullable(),
  backupDuration: z.string().nullable(),
  backupScheduleId: id.nullable(),
  retentionPeriod: z.string().nullable(),
  clusterInfo: z.looseObject({
    name: z.string(),
    cloudProviderId: z.string(),
    cloudProviderRegionId: z.string(),
    configuration: configurationSchema,
  }),
});
export type BackupRecord = z.infer<typeof backupSchema>;

const scheduleSchema = z.object({
  id,
  createdAt: time,
  clusterId: id,
  schedule: z.string(),
  displayName: z.string().nullable(),
  retentionPeriod: z.string().nullable(),
  deletedAt: time.nullable(),
  status: z.enum(['ACTIVE', 'DISABLED']),
});
export type ScheduleRecord = z.infer<typeof scheduleSchema>;

const restoreSchema = z.object({
  id,
  createdAt: time,
  clusterId: id,
  backupId: id,
  status: z.enum(['RUNNING', 'FAILED', 'SUCCEEDED']),
});
export type RestoreRecord = z.infer<typeof restoreSchema>;

const keySchema = z.object({
  id,
  clusterId: id,
  name: z.string(),
  createdAt: time,
  expiresAt: time.nullable(),
  /** Whether it may only read. */
  reads: z.boolean(),
  postfix: z.string(),
  /** Of the key itself, which is told once. */
  sha256: z.string(),
});
export type KeyRecord = z.infer<typeof keySchema>;

export const documentSchema = z.object({
  /** How far the stand-in's clock is from the machine's. */
  clockOffsetMs: z.number().default(0),
  /** Up to when schedules have been looked at. */
  lookedAt: time.nullable().default(null),
  clusters: z.array(clusterSchema).default([]),
  /** Clusters of the settings that were deleted: they do not come back at the next start. */
  gone: z.array(id).default([]),
  backups: z.array(backupSchema).default([]),
  schedules: z.array(scheduleSchema).default([]),
  restores: z.array(restoreSchema).default([]),
  keys: z.array(keySchema).default([]),
});

import { z } from 'zod';
import { embeddingIdentitySchema } from './recovery-set.ts';

/** Who may approve a plan, how many must, and how long the run waits for them. */
export const approvalPolicySchema = z.strictObject({
  /** Names that may approve; empty means anybody. */
  approvers: z.array(z.string().min(1)).default([]),
  /** How many different people must approve. */
  required: z.int().min(1).max(9).default(1),
  /** Whether whoever started the run may approve it. */
  initiatorMayApprove: z.boolean().default(true),
  /** Minutes after which a run that nobody approved ends, having changed nothing. */
  timeoutMinutes: z
    .number()
    .positive()
    .max(7 * 24 * 60)
    .default(60),
});

/** What the run is measured against, in seconds. */
export const objectivesSchema = z.strictObject({
  rtoSeconds: z
    .number()
    .positive()
    .default(4 * 3600),
  rpoSeconds: z
    .number()
    .positive()
    .default(24 * 3600),
});

/** What a runbook may know of Postgres: names of tables and what may happen to their rows. */
export const databaseSettingsSchema = z.strictObject({
  /** What the app calls its database. */
  database: z.string(),
  chunks: z.string().optional(),
  sessions: z.string().optional(),
  messages: z.string().optional(),
  /** Every table that is looked at. */
  tables: z.array(z.string()),
  /** Tables whose rows change as a matter of course. */
  mutable: z.array(z.string()),
  tolerance: z.int().nonnegative(),
  resolutionSeconds: z.number().positive(),
  maxProbes: z.int().positive(),
  notCarried: z.array(z.string()),
  carryUpdates: z.array(z.string()),
  /** Whether there is a history to go back in: Neon's. */
  history: z.boolean(),
  /** Whether the app has a switch that keeps it from writing. */
  fence: z.boolean(),
});
export type DatabaseSettings = z.infer<typeof databaseSettingsSchema>;

/** What a runbook may know of how a failed Qdrant is replaced. */
export const clusterSettingsSchema = z.strictObject({
  confirm: z.strictObject({ rounds: z.int().positive(), everySeconds: z.number().positive() }),
  watchSeconds: z.number().positive(),
  watchPatience: z.int().positive(),
  /** What is configured to take its place. */
  replacement: z.enum(['standby', 'cloud', 'cloud-backup', 'none']),
  /** Whether the app can be told of another server. */
  repoint: z.boolean(),
  /** The cluster of Qdrant Cloud, where it is one. */
  cloud: z.strictObject({ accountId: z.string(), clusterId: z.string() }).optional(),
  pricePerThousandTexts: z.number().nonnegative().optional(),
});
export type ClusterSettings = z.infer<typeof clusterSettingsSchema>;

/** What a runbook may know of the app's servers: names and addresses, nothing that opens anything. */
export const appServerSettingsSchema = z.strictObject({
  servers: z
    .array(z.strictObject({ name: z.string(), target: z.string(), url: z.string(), deploys: z.string() }))
    .min(2),
  confirm: z.strictObject({ rounds: z.int().positive(), everySeconds: z.number().positive() }),
  /** The commit window: how often it is looked at, and what gives the server up. */
  window: z.strictObject({
    everySeconds: z.number().positive(),
    errorRate: z.number().min(0).max(1),
    p95: z.number().positive(),
    patience: z.int().positive(),
    /** Between the last request that a server got and its end. */
    drainSeconds: z.number().nonnegative(),
  }),
});
export type AppServerSettings = z.infer<typeof appServerSettingsSchema>;

/**
 * The part of the worker's configuration that a runbook may know: no secrets, no addresses with credentials. An activity
 * reads it at the start of a run, so that it stands in the history for whoever reads it a year later.
 */
export const runSettingsSchema = z.strictObject({
  environment: z.string().min(1),
  /** The collection's name as the app uses it (an alias or a collection), and what it stood for when the run opened. */
  collectionName: z.string().min(1),
  collection: z.string().min(1),
  embedding: embeddingIdentitySchema,
  approval: approvalPolicySchema,
  objectives: objectivesSchema,
  /** Minutes after cutover in which `rollBack` undoes the recovery; 0 commits at once. */
  commitWindowMinutes: z
    .number()
    .min(0)
    .max(7 * 24 * 60),
  hasPostgres: z.boolean(),
  /** Whether Postgres has chunk rows that say what Qdrant should hold. */
  hasRows: z.boolean(),
  hasApp: z.boolean(),
  /** Absent for a stack without Postgres, and in histories from before it was told. */
  postgres: databaseSettingsSchema.optional(),
  /** Absent in histories from before it was told. */
  cluster: clusterSettingsSchema.optional(),
  /** Absent where the app has one server only. */
  appServers: appServerSettingsSchema.optional(),
  /** Minutes without a sign of a person before a message is sent again. Absent in histories from before it was told. */
  escalateMinutes: z.number().positive().optional(),
});
export type RunSettings = z.infer<typeof runSettingsSchema>;

/** Who started a run. `principal` is computed by the server and cannot be forged; `claimed` is what the client said. */
export const initiatorSchema = z.strictObject({
  principal: z.string().optional(),
  claimed: z.string().optional(),
});
export type Initiator = z.infer<typeof initiatorSchema>;

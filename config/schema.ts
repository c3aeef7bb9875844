import { z } from 'zod';
import { embeddingIdentitySchema } from '../domain/recovery-set.ts';
import { retentionPolicySchema } from '../domain/retention.ts';
import { approvalPolicySchema, objectivesSchema } from '../domain/settings.ts';
import { appConfigSchema } from './app.ts';
import { appServersConfigSchema } from './app-servers.ts';
import { backupConfigSchema } from './backup.ts';
import { contentConfigSchema } from './content.ts';
import { neonConfigSchema } from './neon.ts';
import { qdrantCloudConfigSchema } from './qdrant-cloud.ts';
import { clusterConfigSchema, qdrantReplacementSchema } from './qdrant-replacement.ts';
import { configurationBackupSchema } from './configuration.ts';
import { schedulesConfigSchema } from './schedules.ts';
import { Secret } from './secret.ts';
import { storeConfigSchema } from './store.ts';
import { workerConfigSchema } from './worker.ts';
import { httpUrlSchema as httpUrl, postgresUrlSchema as postgresUrl, secretSchema as secret } from './values.ts';

/** A table, optionally with its schema, or a column. Quoted when used, so anything without a NUL is legal in Postgres. */
const sqlName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\0]+$/);

export const qdrantConfigSchema = z.strictObject({
  url: httpUrl.default('http://127.0.0.1:6333'),
  apiKey: secret.optional(),
  /** Used by the security gate alone: it must be able to read and unable to write. */
  readOnlyApiKey: secret.optional(),
  /** The name the app uses: an alias, or the collection itself. */
  collection: z.string().min(1).max(255).default('textbook-content'),
  /** What point ids are; another kind is refused before the first write. */
  idStrategy: z.enum(['any', 'uuid', 'int']).default('any'),
  /** Payload fields. `text` is what the point says; `source` the section it belongs to. Dotted paths reach into objects. */
  fields: z
    .strictObject({
      text: z.string().min(1).default('text'),
      source: z.string().min(1).default('source'),
      chunkId: z.string().min(1).optional(),
      chunkIndex: z.string().min(1).optional(),
      contentHash: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Requests in flight when copying or writing. */
  parallel: z.int().min(1).max(16).default(4),
  /** Deadline of one ordinary request, in seconds. */
  timeoutSeconds: z.number().positive().default(30),
});

/** How a lost state of Postgres is found and brought back. */
const postgresRecoverySchema = z.strictObject({
  /** Tables whose rows the app changes as a matter of course: a changed row is no damage there. Sessions and traces without it. */
  mutable: z.array(sqlName).optional(),
  /** Rows that may be gone or changed since the last verified set before it is called damage. */
  tolerance: z.int().min(0).default(0),
  /** How exactly the last good moment is looked for, in seconds. */
  resolutionSeconds: z.number().min(0.001).max(3600).default(0.1),
  /** Probes that may be made for it: each is a branch for some seconds. */
  maxProbes: z.int().min(2).max(60).default(40),
  /** Tables of which later rows are not carried over. */
  notCarried: z.array(sqlName).default([]),
  /** Tables of which later changes are carried over too; elsewhere the restored row stays. */
  carryUpdates: z.array(sqlName).default([]),
  /** Folder of dumps made by hand (`backup.sql`), which a run may be told to restore. */
  handMadeDumps: z.string().min(1).optional(),
});

export const postgresConfigSchema = z.strictObject({
  url: postgresUrl,
  /** Folder of pg_dump, pg_restore and pg_amcheck, when they are not on PATH. */
  binDir: z.string().min(1).optional(),
  /** Tables that are dumped and restored at the same time, each by a connection of its own. */
  dumpJobs: z.int().min(1).max(16).default(2),
  /** Where a dump lies on its way to the store and back: as large as the database. The system's temporary folder without it. */
  scratchDir: z.string().min(1).optional(),
  /** Another server to restore dumps on when a set is verified. Without it they are restored beside, on the live one. */
  verifyUrl: postgresUrl.optional(),
  tables: z
    .strictObject({
      /** Absent for a backend without a chunks table: then Qdrant is compared with the recovery set alone. */
      chunks: z
        .strictObject({
          table: sqlName,
          /** Column that holds the Qdrant point id. */
          pointId: sqlName,
          text: sqlName,
          source: sqlName,
          index: sqlName.optional(),
          hash: sqlName.optional(),
          /** Payload fields that hold what further columns have, by column: rows are rebuilt from points with these. */
          payload: z.record(sqlName, z.string().min(1)).optional(),
          /** What the canary's row has in further columns that must have a value. */
          canary: z.record(sqlName, z.union([z.string(), z.number(), z.boolean()])).optional(),
        })
        .optional(),
      sessions: z.strictObject({ table: sqlName, id: sqlName }).optional(),
      messages: z
        .strictObject({ table: sqlName, id: sqlName, sessionId: sqlName, role: sqlName, content: sqlName })
        .optional(),
      /** Which chunks a message cites. `messageId` is absent where the messages' own table holds them. */
      trace: z
        .strictObject({
          table: sqlName,
          messageId: sqlName.optional(),
          chunkIds: sqlName,
          kind: z.enum(['value', 'array', 'json']),
        })
        .optional(),
      /** Further tables that belong to what people would miss. */
      others: z.array(sqlName).default([]),
    })
    .refine(({ trace, messages }) => !trace || trace.messageId !== undefined || trace.table === messages?.table, {
      path: ['trace', 'messageId'],
      error: 'is needed where the citations are in another table than the messages',
    })
    .prefault({}),
  recovery: postgresRecoverySchema.prefault({}),
});

export const embeddingsConfigSchema = z.strictObject({
  /** Base of an OpenAI-compatible API: `<url>/embeddings` is called. */
  url: httpUrl,
  apiKey: secret.optional(),
  identity: embeddingIdentitySchema,
  /** Put before every document, for models that want it. */
  documentPrefix: z.string().default(''),
  queryPrefix: z.string().default(''),
  batch: z.int().min(1).max(2048).default(32),
  requestsPerMinute: z.int().positive().optional(),
});

export const temporalConfigSchema = z.strictObject({
  /** Where people open the Web UI; only for links. */
  uiUrl: httpUrl.default('http://127.0.0.1:8233'),
});

export const notifyConfigSchema = z.strictObject({
  /** Receives a JSON message for every event that somebody should know of. Without it, messages go to the log. */
  webhookUrl: z
    .string()
    .min(1)
    .transform((value) => new Secret(value))
    .optional(),
});

/** Everything that can be configured. Unknown keys are refused by name. */
export const configSchema = z.strictObject({
  environment: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be lower-case letters, digits and hyphens'),
  qdrant: qdrantConfigSchema.prefault({}),
  postgres: postgresConfigSchema.optional(),
  embeddings: embeddingsConfigSchema,
  content: contentConfigSchema.optional(),
  app: appConfigSchema.optional(),
  appServers: appServersConfigSchema.optional(),
  store: storeConfigSchema.prefault({}),
  backup: backupConfigSchema.prefault({}),
  qdrantCloud: qdrantCloudConfigSchema.optional(),
  qdrantReplacement: qdrantReplacementSchema.optional(),
  cluster: clusterConfigSchema.prefault({}),
  neon: neonConfigSchema.optional(),
  configuration: configurationBackupSchema.optional(),
  temporal: temporalConfigSchema.prefault({}),
  notify: notifyConfigSchema.prefault({}),
  approval: approvalPolicySchema.prefault({}),
  objectives: objectivesSchema.prefault({}),
  retention: retentionPolicySchema.prefault({}),
  schedules: schedulesConfigSchema.prefault({}),
  worker: workerConfigSchema.prefault({}),
  commitWindowMinutes: z
    .number()
    .min(0)
    .max(7 * 24 * 60)
    .default(60),
  /** JSON file with golden questions: `[{question, sources: [...]}]`. */
  goldenQuestions: z.string().min(1).optional(),
});
export type Config = z.infer<typeof configSchema>;
export type QdrantConfig = Config['qdrant'];
export type PostgresConfig = NonNullable<Config['postgres']>;
export type EmbeddingsConfig = Config['embeddings'];
export type AppConfig = NonNullable<Config['app']>;

import { z } from 'zod';
import { artifactSchema } from './artifacts.ts';

/** A directory-format dump: what lies in its folder, `toc.dat` among it. `pg_restore --format=directory` takes the folder. */
export const dumpSchema = z.strictObject({
  /** Folder of the files in the store. */
  folder: z.string().min(1),
  files: z.array(artifactSchema).min(1),
});
export type Dump = z.infer<typeof dumpSchema>;

/** A Neon branch that was made for a set, from which its dump was read. */
export const neonBackupSchema = z.strictObject({
  projectId: z.string().min(1),
  /** The branch that was backed up, and the one that keeps its state. */
  sourceBranchId: z.string().min(1),
  branchId: z.string().min(1),
  branchName: z.string().min(1),
  /** Where in the source the branch begins, as Neon tells it. */
  parentLsn: z.string().optional(),
  parentTimestamp: z.string().optional(),
  /** When Neon removes the branch by itself; absent when nothing does. */
  expiresAt: z.string().optional(),
});
export type NeonBackup = z.infer<typeof neonBackupSchema>;

export const postgresPartSchema = z.strictObject({
  serverVersion: z.string().min(1),
  lsn: z.string().regex(/^[0-9A-F]+\/[0-9A-F]+$/),
  dump: dumpSchema,
  /** Rows of every configured table at the moment of the dump, by table. */
  rows: z.record(z.string(), z.int().nonnegative()),
  /** Order-free fingerprints of the same tables at the same moment, by table. */
  fingerprints: z.record(z.string(), z.string()),
  /** Chunk rows of the same moment, `id TAB text TAB section` a line; absent for a stack without a chunks table. */
  index: artifactSchema.optional(),
  neon: neonBackupSchema.optional(),
});
export type PostgresPart = z.infer<typeof postgresPartSchema>;

/** Which code the app ran. */
export const releaseSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('git'),
    commit: z.string().regex(/^[0-9a-f]{40,64}$/),
    /** The tag on that commit; absent when it has none, which `problem` then says. */
    tag: z.string().optional(),
    /** True when nothing was changed beside the commit. */
    clean: z.boolean(),
    problem: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('image'),
    reference: z.string().min(1),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  }),
]);
export type Release = z.infer<typeof releaseSchema>;

/** The app's configuration, as far as a new server needs it. Nothing in here is a secret in clear. */
export const configurationPartSchema = z.strictObject({
  release: releaseSchema.optional(),
  /** `env`: encrypted with age for `recipients`. `file`: as it is (Dockerfile, docker-compose.yml). */
  files: z.array(z.strictObject({ name: z.string().min(1), kind: z.enum(['env', 'file']), artifact: artifactSchema })),
  /** Names of the variables in the encrypted files, so that a restore can compare without decrypting. */
  variables: z.array(z.string()),
  /** Secrets that are fetched from elsewhere: where from, never what. */
  references: z.array(
    z.strictObject({
      name: z.string().min(1),
      from: z.enum(['command', 'file', 'environment']),
      where: z.string().min(1),
    }),
  ),
  /** Public keys of age that can open the encrypted files. */
  recipients: z.array(z.string()),
  /** A known text, encrypted like the files: who can open it can open them. */
  keyCanary: artifactSchema.optional(),
});
export type ConfigurationPart = z.infer<typeof configurationPartSchema>;

/** A document that was planted in both stores and in the set before anything was read. */
export const canarySchema = z.strictObject({
  pointId: z.string().min(1),
  /** Unlike that of any other set. */
  text: z.string().min(1),
  /** The same text, outside both stores. */
  artifact: artifactSchema,
  inRows: z.boolean(),
});
export type Canary = z.infer<typeof canarySchema>;

/** What changed in the stores while the set was taken: the set may hold either state of it. */
export const driftSchema = z.strictObject({
  points: z.strictObject({
    added: z.int().nonnegative(),
    changed: z.int().nonnegative(),
    removed: z.int().nonnegative(),
  }),
  /** Rows that came (or, negative, went) after the dump, by table. */
  rows: z.record(z.string(), z.int()),
  /** Ids of the points, one a line. */
  list: artifactSchema.optional(),
});
export type Drift = z.infer<typeof driftSchema>;

/** What the artifact store was seen to enforce when the set was taken, by capability. */
export const storePartSchema = z.strictObject({
  kind: z.enum(['disk', 's3']),
  capabilities: z.array(z.strictObject({ name: z.string(), enforced: z.boolean(), observed: z.string() })),
});
export type StorePart = z.infer<typeof storePartSchema>;

/** A collection's shape as the server told it: everything needed to compare with, or to recreate. */
export const collectionShapeSchema = z.strictObject({
  /** `config` of GET /collections/{c}, as it came, with `shard_keys` where the collection is sharded by keys. */
  config: z.record(z.string(), z.unknown()),
  /** Payload indexes: field name to `{data_type, params?}`, without the point counts. */
  payloadSchema: z.record(z.string(), z.unknown()),
});

/** A snapshot of one collection on one node. */
export const snapshotPartSchema = z.strictObject({
  /** Where it was taken: scheme, host and port. */
  node: z.string().min(1),
  peer: z.string().min(1).optional(),
  snapshot: artifactSchema,
});
export type SnapshotPart = z.infer<typeof snapshotPartSchema>;

/** A collection besides the app's own. */
export const otherCollectionSchema = z.strictObject({
  collection: z.string().min(1),
  points: z.int().nonnegative(),
  shape: collectionShapeSchema,
  snapshots: z.array(snapshotPartSchema).min(1),
});
export type OtherCollection = z.infer<typeof otherCollectionSchema>;

/** A backup of the whole cluster that Qdrant Cloud keeps. */
export const cloudBackupSchema = z.strictObject({
  accountId: z.string().min(1),
  clusterId: z.string().min(1),
  backupId: z.string().min(1),
  createdAt: z.string().min(1),
  /** How the cluster's backup schedule differs from what is declared; empty when it does not. */
  scheduleDifferences: z.array(z.string()),
});

import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

/** A program and its arguments; no shell reads them. */
const commandSchema = z.strictObject({
  run: z.array(z.string().min(1)).min(1),
  timeoutSeconds: z.number().positive().max(7_200).default(600),
});

/** Another server, which is there or which a command brings up. */
const standbySchema = z.strictObject({
  url: httpUrlSchema,
  apiKey: secretSchema.optional(),
  readOnlyApiKey: secretSchema.optional(),
  /** Brings it up; must end with 0 and may be run twice. */
  start: commandSchema.optional(),
  /** Takes it down again after a roll back. */
  stop: commandSchema.optional(),
});

/**
 * A new cluster of Qdrant Cloud, like the one of `qdrantCloud`. The management key needs read:clusters, write:clusters,
 * delete:clusters, read:api_keys, write:api_keys and delete:api_keys, and for `backup` read:backups and restore:backups.
 */
const cloudSchema = z.strictObject({
  /** `empty`: filled from the recovery set; `backup`: made from Qdrant Cloud's own newest backup, and caught up. */
  from: z.enum(['empty', 'backup']).default('empty'),
  /** File that keeps the keys of new clusters: made by a run, read by every worker of the environment. */
  keyFile: z.string().min(1),
});
export type CloudReplacementConfig = z.infer<typeof cloudSchema>;

/** What takes the place of a cluster that has failed. */
export const qdrantReplacementSchema = z
  .strictObject({ standby: standbySchema.optional(), cloud: cloudSchema.optional() })
  .refine(({ standby, cloud }) => (standby === undefined) !== (cloud === undefined), {
    path: ['standby'],
    error: 'either standby or cloud: exactly one of the two',
  });
export type StandbyConfig = z.infer<typeof standbySchema>;

/** How a complete failure is told from a blip, and how good a replacement must be. */
export const clusterConfigSchema = z.strictObject({
  confirm: z
    .strictObject({
      /** Rounds of looks that must agree before anything is replaced. */
      rounds: z.int().min(2).max(60).default(3),
      everySeconds: z.number().min(0.1).max(600).default(10),
    })
    .prefault({}),
  /** Least cosine between a stored vector and the same text embedded again; below, the model is another one. */
  similarityFloor: z.number().min(0).max(1).default(0.98),
  /** Least share of the exact answer that the ANN answer must have. */
  recallFloor: z.number().min(0).max(1).default(0.9),
  /** How often the gates are looked at in the commit window, in seconds. */
  watchSeconds: z.number().min(1).max(3_600).default(30),
  /** Rounds in a row in which a gate is red before the run rolls back by itself. */
  watchPatience: z.int().min(1).max(100).default(3),
  /** Minutes without a sign of a person before the next contact is told. */
  escalateMinutes: z.number().positive().max(1_440).default(10),
  /** What a thousand embedded texts cost, for the forecast; in any currency. */
  pricePerThousandTexts: z.number().nonnegative().optional(),
});

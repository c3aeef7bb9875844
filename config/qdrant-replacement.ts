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

/** What takes the place of a cluster that has failed. */
export const qdrantReplacementSchema = z.strictObject({ standby: standbySchema });
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

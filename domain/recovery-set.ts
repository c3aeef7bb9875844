import { z } from 'zod';
import { artifactSchema } from './artifacts.ts';
import { countsSchema } from './damage.ts';

/** Which model made the vectors. Two different identities are two different spaces: never mixed. */
export const embeddingIdentitySchema = z.strictObject({
  model: z.string().min(1),
  dimensions: z.int().positive(),
  distance: z.enum(['Cosine', 'Dot', 'Euclid', 'Manhattan']),
  /** Named vector, or absent for the unnamed one. */
  vectorName: z.string().min(1).optional(),
});
export type EmbeddingIdentity = z.infer<typeof embeddingIdentitySchema>;

/** A collection's shape as the server told it: everything needed to compare with, or to recreate. */
export const collectionShapeSchema = z.strictObject({
  /** `config` of GET /collections/{c}, as it came. */
  config: z.record(z.string(), z.unknown()),
  /** Payload indexes: field name to `{data_type, params?}`, without the point counts. */
  payloadSchema: z.record(z.string(), z.unknown()),
});

/** A question with a known answer: which source sections must be retrieved for it. */
export const goldenQuestionSchema = z.strictObject({
  question: z.string().min(1),
  /** Source sections of which at least one must be among the retrieved chunks. */
  sources: z.array(z.string().min(1)).min(1),
});
export type GoldenQuestion = z.infer<typeof goldenQuestionSchema>;

/** What was answered when the set was taken: the baseline to compare a recovered stack with. */
export const goldenAnswerSchema = goldenQuestionSchema.extend({
  /** Ids of the points retrieved, best first. */
  retrieved: z.array(z.string()),
  /** Sections of those points, in the same order. */
  sections: z.array(z.string()),
  /** Sections that the app's answer cited; empty when no app is configured. */
  cited: z.array(z.string()),
});
export type GoldenAnswer = z.infer<typeof goldenAnswerSchema>;

/** The manifest that binds the backups of all parts taken together. Versioned: readers refuse a version they do not know. */
export const recoverySetSchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^set-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$/),
  environment: z.string().min(1),
  takenAt: z.iso.datetime(),
  /** `candidate` until it has been read back, hashed, restored beside and checked. */
  state: z.enum(['candidate', 'verified']),
  embedding: embeddingIdentitySchema,
  qdrant: z.strictObject({
    /** The name the app uses, usually an alias. */
    name: z.string().min(1),
    /** The collection that the name stood for. */
    collection: z.string().min(1),
    aliases: z.array(z.strictObject({ alias: z.string(), collection: z.string() })),
    serverVersion: z.string().min(1),
    points: z.int().nonnegative(),
    shape: collectionShapeSchema,
    snapshot: artifactSchema,
    /** Id index: `id TAB text TAB body TAB fault` a line, in Qdrant's order. */
    index: artifactSchema,
  }),
  /** Absent for a stack without Postgres. */
  postgres: z
    .strictObject({
      serverVersion: z.string().min(1),
      lsn: z.string().regex(/^[0-9A-F]+\/[0-9A-F]+$/),
      dump: artifactSchema,
      rows: z.record(z.string(), z.int().nonnegative()),
    })
    .optional(),
  /** What Qdrant and Postgres disagreed on while the set was taken; such a set is never preferred. */
  disagreements: countsSchema,
  /** JSON array of golden answers. */
  golden: artifactSchema,
});
export type RecoverySet = z.infer<typeof recoverySetSchema>;

/** What a set is made of, besides what the stack's settings tell. */
type SetParts = Pick<RecoverySet, 'id' | 'takenAt' | 'qdrant' | 'golden'> & {
  readonly postgres?: RecoverySet['postgres'] | undefined;
};

/** A set before it is sealed: a candidate of which no disagreement is known yet. */
export function draftSet(
  { environment, embedding }: Pick<RecoverySet, 'environment' | 'embedding'>,
  { postgres, ...parts }: SetParts,
): RecoverySet {
  const disagreements = { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 };
  const drafted = { version: 1, state: 'candidate', environment, embedding, disagreements } as const;
  return { ...drafted, ...parts, ...(postgres ? { postgres } : {}) };
}

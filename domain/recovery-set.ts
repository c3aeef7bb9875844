import { z } from 'zod';
import { type Artifact, artifactSchema } from './artifacts.ts';
import { countsSchema, totalOf } from './damage.ts';
import {
  canarySchema,
  cloudBackupSchema,
  collectionShapeSchema,
  configurationPartSchema,
  driftSchema,
  otherCollectionSchema,
  postgresPartSchema,
  snapshotPartSchema,
  storePartSchema,
} from './set-parts.ts';

/** Which model made the vectors. Two different identities are two different spaces: never mixed. */
export const embeddingIdentitySchema = z.strictObject({
  model: z.string().min(1),
  dimensions: z.int().positive(),
  distance: z.enum(['Cosine', 'Dot', 'Euclid', 'Manhattan']),
  /** Named vector, or absent for the unnamed one. */
  vectorName: z.string().min(1).optional(),
});
export type EmbeddingIdentity = z.infer<typeof embeddingIdentitySchema>;

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

/**
 * The manifest that binds the backups of all parts taken together. Versioned: readers refuse a version they do not know.
 * It is written once, last, and never changed: whether a set is verified stands in records beside it
 * (`domain/verification.ts`).
 */
export const recoverySetSchema = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^set-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$/),
  environment: z.string().min(1),
  takenAt: z.iso.datetime(),
  embedding: embeddingIdentitySchema,
  qdrant: z.strictObject({
    /** The name the app uses, usually an alias. */
    name: z.string().min(1),
    /** The collection that the name stood for. */
    collection: z.string().min(1),
    aliases: z.array(z.strictObject({ alias: z.string(), collection: z.string() })),
    serverVersion: z.string().min(1),
    /** Id of the node that took the snapshot, where the server tells it. */
    peer: z.string().min(1).optional(),
    points: z.int().nonnegative(),
    shape: collectionShapeSchema,
    snapshot: artifactSchema,
    /** Snapshots of the other nodes of a cluster: a snapshot holds only what lies on its own node. */
    nodes: z.array(snapshotPartSchema).optional(),
    others: z.array(otherCollectionSchema).optional(),
    /** Id index: `id TAB text TAB body TAB fault` a line, in Qdrant's order. */
    index: artifactSchema,
    /** Some whole points, one JSON object a line, to compare number by number after a restore. */
    sample: artifactSchema.optional(),
    cloud: cloudBackupSchema.optional(),
  }),
  /** Absent for a stack without Postgres. */
  postgres: postgresPartSchema.optional(),
  configuration: configurationPartSchema.optional(),
  canary: canarySchema.optional(),
  /** What the set's own vectors and rows disagree on. */
  disagreements: countsSchema,
  /** How many of them were declared to be tolerable when the set was taken. */
  tolerance: z.int().nonnegative(),
  drift: driftSchema.optional(),
  store: storePartSchema.optional(),
  /** JSON array of golden answers. */
  golden: artifactSchema,
});
export type RecoverySet = z.infer<typeof recoverySetSchema>;

/** What a set is made of, besides what the stack's settings tell. */
type SetParts = Omit<RecoverySet, 'version' | 'environment' | 'embedding' | 'disagreements' | 'tolerance'>;

/** A set before it is sealed: no disagreement is known yet. */
export function draftSet(
  { environment, embedding }: Pick<RecoverySet, 'environment' | 'embedding'>,
  parts: SetParts,
  tolerance = 0,
): RecoverySet {
  const disagreements = { missing: 0, unbacked: 0, stale: 0, malformed: 0, orphan: 0 };
  return { version: 1, environment, embedding, disagreements, tolerance, ...parts };
}

/**
 * True when more content was missing or wrong than was declared tolerable as the set was taken. Vectors without a row
 * do a recovery no harm and do not count.
 */
export function isTorn({ disagreements, tolerance }: RecoverySet): boolean {
  return totalOf({ ...disagreements, orphan: 0 }) > tolerance;
}

/** How many points a restore of the snapshot must show; `undefined` where points came and went while the set was taken. */
export function exactPoints({ qdrant, drift }: RecoverySet): number | undefined {
  const { added = 0, removed = 0 } = drift?.points ?? {};
  return added + removed === 0 ? qdrant.points : undefined;
}

/** Everything that a set consists of, besides its manifest, in the order in which it is read back. */
export function artifactsOf({ qdrant, postgres, configuration, canary, drift, golden }: RecoverySet): Artifact[] {
  const snapshots = [...(qdrant.nodes ?? []), ...(qdrant.others ?? []).flatMap((other) => other.snapshots)];
  const perhaps = [
    qdrant.snapshot,
    ...snapshots.map(({ snapshot }) => snapshot),
    qdrant.index,
    qdrant.sample,
    ...(postgres?.dump.files ?? []),
    postgres?.index,
    ...(configuration?.files ?? []).map(({ artifact }) => artifact),
    configuration?.keyCanary,
    canary?.artifact,
    drift?.list,
    golden,
  ];
  return perhaps.filter((artifact) => artifact !== undefined);
}

/** Bytes of everything that a set consists of, as it lies in the store. */
export function bytesOf(set: RecoverySet): number {
  return artifactsOf(set).reduce((sum, { bytes }) => sum + bytes, 0);
}

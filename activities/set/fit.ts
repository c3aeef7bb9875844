import { z } from 'zod';
import type { EmbeddingIdentity, RecoverySet } from '../../domain/recovery-set.ts';

/** What this worker protects: a set must be of the same. */
export interface Expected {
  readonly environment: string;
  /** The collection's name as the app uses it. */
  readonly collectionName: string;
  readonly embedding: EmbeddingIdentity;
}

const vectorSchema = z.object({ size: z.number(), distance: z.string() });

/** The first field in which a set differs from what is expected of it: `field: expected X, found Y`. */
export function misfit(set: RecoverySet, { environment, collectionName, embedding }: Expected): string | undefined {
  const vector = readVector(set, embedding.vectorName);
  const checks: [field: string, expected: string | number | undefined, found: string | number | undefined][] = [
    ['environment', environment, set.environment],
    ['qdrant.name', collectionName, set.qdrant.name],
    ['embedding.model', embedding.model, set.embedding.model],
    ['embedding.dimensions', embedding.dimensions, set.embedding.dimensions],
    ['embedding.distance', embedding.distance, set.embedding.distance],
    ['embedding.vectorName', embedding.vectorName, set.embedding.vectorName],
    ['qdrant.shape.config.params.vectors.size', embedding.dimensions, vector?.size],
    ['qdrant.shape.config.params.vectors.distance', embedding.distance, vector?.distance],
  ];
  const wrong = checks.find(([, expected, found]) => expected !== found);
  return wrong && `${wrong[0]}: expected ${said(wrong[1])}, found ${said(wrong[2])}`;
}

/** Parameters of the unnamed vector, or of the named one. */
function readVector(set: RecoverySet, name: string | undefined): z.infer<typeof vectorSchema> | undefined {
  const vectors =
    name === undefined ? vectorSchema : z.object({ [name]: vectorSchema }).transform((named) => named[name]);
  const config = z.object({ params: z.object({ vectors }) }).safeParse(set.qdrant.shape.config);
  return config.success ? config.data.params.vectors : undefined;
}

function said(value: string | number | undefined): string {
  return value === undefined ? 'none' : String(value);
}

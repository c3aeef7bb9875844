import type { Artifact, ListRef } from './artifacts.ts';
import { type Damage, describeCounts, totalOf } from './damage.ts';
import { z } from 'zod';
import { RecoveryError } from './failures.ts';
import { describeCount } from './format.ts';
import type { RecoverySet } from './recovery-set.ts';
import type { RunReport } from './report.ts';
import { indexFieldOf, isRepairable, type ShapeDifference } from './shape.ts';
import type { Gate } from './verdict.ts';

/** What is known when the plan is made. */
export interface Assessment {
  readonly damage: Damage;
  readonly shape: readonly ShapeDifference[];
  readonly set: RecoverySet;
  readonly why: string;
  readonly dropOrphans: boolean;
  /** False for a stack without chunk rows, where the set itself is what is expected. */
  readonly hasRows: boolean;
  /** How deep the comparison looked, before and after the repair alike. */
  readonly depth: 'content' | 'ids';
}

/** True when there is something that this runbook mends. */
export function needsRepair({ damage, shape, dropOrphans }: Assessment): boolean {
  const { orphan, ...mended } = damage.counts;
  return totalOf({ ...mended, orphan: dropOrphans ? orphan : 0 }) > 0 || lostIndexes(shape).length > 0;
}

/**
 * Refuses to copy between collections whose vectors are not of the same kind.
 * @throws RecoveryError SET_MISMATCH, naming the setting, what the set has and what the collection has
 */
export function mustFit(shape: readonly ShapeDifference[], set: RecoverySet): void {
  const other = shape.find(({ path }) => /^(config\.)?params\.(vectors|sparse_vectors)\b/.test(path));
  if (!other) return;
  const { path, expected = 'none', observed = 'none' } = other;
  throw new RecoveryError('SET_MISMATCH', `${path}: ${set.id} has ${expected}, and the collection has ${observed}`);
}

/**
 * Refuses to repair a collection that the app has left while the plan waited.
 * @throws RecoveryError STALE_PLAN
 */
export function mustStandFor(
  { collectionName, collection }: { collectionName: string; collection: string },
  now: { collection: string },
): void {
  if (now.collection === collection) return;
  throw new RecoveryError(
    'STALE_PLAN',
    `plan: ${collectionName} stands for ${now.collection} now, and the plan is for ${collection}; start a new run`,
  );
}

const vectorsSchema = z.object({
  params: z.object({
    vectors: z.record(z.string(), z.unknown()),
    sparse_vectors: z.record(z.string(), z.unknown()).nullish(),
  }),
});

/**
 * Refuses to embed again where points hold other vectors beside the configured one: those would be lost.
 * @throws RecoveryError UNEXPECTED_SCHEMA, naming them
 */
export function mustHoldOneVector({ damage, set }: Pick<Assessment, 'damage' | 'set'>): void {
  if (damage.reembed.count === 0) return;
  const { vectorName } = set.embedding;
  const { vectors, sparse_vectors } = vectorsSchema.parse(set.qdrant.shape.config).params;
  const named = vectorName === undefined ? [] : Object.keys(vectors);
  const others = [...named, ...Object.keys(sparse_vectors ?? {})].filter((name) => name !== vectorName);
  if (others.length === 0) return;
  throw new RecoveryError(
    'UNEXPECTED_SCHEMA',
    `embeddings.identity.vectorName: ${describeCount(damage.reembed.count)} points must be embedded again, and their other vectors (${others.join(', ')}) would be lost`,
  );
}

/** Payload indexes that the set recorded and the collection lacks: field to schema. */
export function lostIndexes(shape: readonly ShapeDifference[]): [field: string, schema: unknown][] {
  return shape.filter(isRepairable).map((lost) => [indexFieldOf(lost), JSON.parse(lost.expected ?? 'null') as unknown]);
}

/** What those fields were indexed as before the repair, which is not at all: what undo goes back to. */
export function indexesBefore(shape: readonly ShapeDifference[]): Record<string, null> {
  return Object.fromEntries(lostIndexes(shape).map(([field]) => [field, null]));
}

/** Differences that somebody made on purpose since the set: told in the plan, and left as they are. */
export function acceptedDifferences(shape: readonly ShapeDifference[]): ShapeDifference[] {
  return shape.filter((difference) => !isRepairable(difference));
}

const NAMED_SECTIONS = 3;

/** One sentence that a tired person understands. */
export function describeDamage({ damage, shape, set }: Assessment): string {
  const named = damage.sections.slice(0, NAMED_SECTIONS).map(({ section }) => section);
  const more = damage.sectionCount - named.length;
  const list = more > 0 ? `${named.join(', ')} and ${describeCount(more)} more` : named.join(', ');
  const places = `${damage.sectionCount === 1 ? 'one section' : `${describeCount(damage.sectionCount)} sections`} (${list})`;
  const points = `${describeCounts(damage.counts)} of ${describeCount(damage.tally.rows || damage.tally.set)} chunks in ${places}`;
  const lost = lostIndexes(shape).map(([field]) => field);
  const indexes = lost.length > 0 ? `; payload index lost: ${lost.join(', ')}` : '';
  return totalOf(damage.counts) === 0 ? `no chunk of ${set.qdrant.name} is damaged${indexes}` : points + indexes;
}

/** The two stores agree again: nothing missing, unbacked, stale or malformed; orphans only where they were to be kept. */
export function reconciliationGate(after: Damage, dropOrphans: boolean): Gate {
  const { orphan, ...mended } = after.counts;
  const left = totalOf({ ...mended, orphan: dropOrphans ? orphan : 0 });
  const kept = dropOrphans || orphan === 0 ? '' : `; ${describeCount(orphan)} orphans kept, as planned`;
  return {
    name: 'reconciliation',
    verdict: left === 0 ? 'pass' : 'fail',
    expected: dropOrphans
      ? 'Qdrant and Postgres agree on every point'
      : 'nothing missing, unbacked, stale or malformed',
    observed: `${left === 0 ? 'all agree' : describeCounts(after.counts)}: ${describeCount(after.tally.live)} points, ${describeCount(after.tally.rows)} rows${kept}`,
  };
}

/** The collection has the configuration and payload indexes that the set recorded, but for what the plan left alone. */
export function shapeGate(now: readonly ShapeDifference[], before: readonly ShapeDifference[]): Gate {
  const accepted = new Set(acceptedDifferences(before).map((difference) => JSON.stringify(difference)));
  const differences = now.filter((difference) => !accepted.has(JSON.stringify(difference)));
  return {
    name: 'configuration',
    verdict: differences.length === 0 ? 'pass' : 'fail',
    expected: 'configuration and payload indexes as the set recorded them',
    observed:
      differences.length === 0
        ? 'no difference'
        : differences
            .slice(0, 5)
            .map(
              ({ path, expected, observed }) => `${path}: ${observed ?? 'absent'} instead of ${expected ?? 'absent'}`,
            )
            .join(', '),
  };
}

/** The name the app uses still stands for the collection that was repaired. */
export function nameGate(name: string, repaired: string, now: string): Gate {
  return {
    name: 'collection',
    verdict: repaired === now ? 'pass' : 'fail',
    expected: `${name} stands for ${repaired}`,
    observed: `it stands for ${now}`,
  };
}

/** What was lost, in time and in what people lose. */
export function measureLoss(
  assessment: Assessment,
  unavailable: number,
  faultDeclaredAt: Date,
): NonNullable<RunReport['rpo']> {
  const age = (faultDeclaredAt.getTime() - Date.parse(assessment.set.takenAt)) / 1000;
  const { orphan: _kept, ...damaged } = assessment.damage.counts;
  return {
    setAgeSeconds: Math.max(0, age),
    chunksDamaged: totalOf({ ...damaged, orphan: 0 }),
    chunksLost: unavailable,
    turnsLost: 0,
  };
}

/** The lists of points that the plan writes: what undo has to put back. */
export function writtenLists({ damage, dropOrphans }: Assessment): ListRef[] {
  return [damage.copy, damage.reembed, ...(dropOrphans ? [damage.drop] : [])].filter(({ count }) => count > 0);
}

/** What a step says of itself in the checklist. */
export function describeChoice({ set, why }: { set: RecoverySet; why: string }): string {
  return `${set.id}: ${why}`;
}

export function describeArtifact({ bytes, sha256 }: Artifact): string {
  return `${describeCount(bytes)} bytes, sha256 ${sha256.slice(0, 12)}`;
}

export function describeEmbedding({
  unavailable,
  ...counts
}: {
  written: number;
  newer: number;
  unavailable: number;
}): string {
  const lost = unavailable === 0 ? '' : `, ${describeCount(unavailable)} have no text anywhere: lost`;
  return describeRepair(counts) + lost;
}

export function describeRemoval({ written, newer }: { written: number; newer: number }): string {
  return `${describeCount(written)} removed${newer > 0 ? `, ${describeCount(newer)} left alone as newer` : ''}`;
}

export function describeRepair({ written, newer }: { written: number; newer: number }): string {
  return `${describeCount(written)} written${newer > 0 ? `, ${describeCount(newer)} left alone as newer` : ''}`;
}

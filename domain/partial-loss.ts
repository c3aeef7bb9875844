import type { Artifact, ListRef } from './artifacts.ts';
import { type Damage, describeCounts, totalOf } from './damage.ts';
import { RecoveryError } from './failures.ts';
import { describeCount } from './format.ts';
import type { Plan } from './plan.ts';
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
}

/**
 * Forecast rates, deliberately low: measured on two cores with 768 dimensions, copying reaches about 5,000 points a
 * second and an embedding endpoint on the processor about 15 texts a second (`npm run bench`).
 */
const COPIED_PER_SECOND = 2_000;
const EMBEDDED_PER_SECOND = 10;
const SNAPSHOT_BYTES_PER_SECOND = 50_000_000;
const FIXED_SECONDS = 15;

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

/** Payload indexes that the set recorded and the collection lacks: field to schema. */
export function lostIndexes(shape: readonly ShapeDifference[]): [field: string, schema: unknown][] {
  return shape.filter(isRepairable).map((lost) => [indexFieldOf(lost), JSON.parse(lost.expected ?? 'null') as unknown]);
}

/** What those fields were indexed as before the repair; null where there was no index: what undo goes back to. */
export function indexesBefore(shape: readonly ShapeDifference[]): Record<string, unknown> {
  return Object.fromEntries(
    shape.filter(isRepairable).map((lost) => [indexFieldOf(lost), JSON.parse(lost.observed ?? 'null') as unknown]),
  );
}

/** One sentence that a tired person understands. */
export function describeDamage({ damage, shape, set }: Assessment): string {
  const places = damage.sectionCount === 1 ? 'one section' : `${describeCount(damage.sectionCount)} sections`;
  const points = `${describeCounts(damage.counts)} of ${describeCount(damage.tally.rows || damage.tally.set)} chunks in ${places}`;
  const lost = lostIndexes(shape).map(([field]) => field);
  const indexes = lost.length > 0 ? `; payload index lost: ${lost.join(', ')}` : '';
  return totalOf(damage.counts) === 0 ? `no chunk of ${set.qdrant.name} is damaged${indexes}` : points + indexes;
}

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planPartialLoss(
  assessment: Assessment,
  { environment, runId, scratch }: { environment: string; runId: string; scratch: string },
): Plan {
  const { damage, set, why, shape, dropOrphans } = assessment;
  const { collection, name } = set.qdrant;
  const copies = damage.copy.count;
  const embeds = damage.reembed.count;
  const steps: Plan['steps'] = [
    { step: 'keepDamaged', what: `snapshot ${collection} as it is now`, why: 'so that everything below can be undone' },
  ];
  if (copies > 0) {
    steps.push(
      { step: 'restoreBeside', what: `restore ${set.id} into ${scratch}`, why },
      {
        step: 'copyBack',
        what: `copy ${describeCount(copies)} points from ${scratch} into ${collection}`,
        why: 'the set holds them with the right text',
      },
    );
  }
  if (embeds > 0) {
    steps.push({
      step: 'embedAgain',
      what: `embed ${describeCount(embeds)} texts again with ${set.embedding.model}`,
      why: 'the set does not hold their present text',
    });
  }
  if (dropOrphans && damage.drop.count > 0) {
    steps.push({
      step: 'dropOrphans',
      what: `remove ${describeCount(damage.drop.count)} vectors that have no row`,
      why: 'asked for in the input',
    });
  }
  const lost = lostIndexes(shape).map(([field]) => field);
  if (lost.length > 0) {
    steps.push({
      step: 'createIndexes',
      what: `create the payload index on ${lost.join(', ')}`,
      why: 'the set recorded it',
    });
  }
  steps.push({
    step: 'verify',
    what: `reconcile, compare the configuration, ask golden questions, try to get in without a key`,
  });
  return {
    version: 1,
    scenario: 'partial-loss',
    environment,
    target: `${name} (collection ${collection})`,
    runId,
    reason: describeDamage(assessment),
    steps,
    loss: describeLoss(assessment),
    expectedSeconds: forecast(assessment),
    basis: {
      set: set.id,
      snapshot: set.qdrant.snapshot.sha256,
      copy: damage.copy.artifact.sha256,
      reembed: damage.reembed.artifact.sha256,
      drop: damage.drop.artifact.sha256,
    },
  };
}

function describeLoss({ damage, dropOrphans }: Assessment): string {
  const orphans = damage.counts.orphan;
  const kept =
    orphans === 0
      ? ''
      : dropOrphans
        ? ` ${describeCount(orphans)} vectors without a row are removed.`
        : ` ${describeCount(orphans)} vectors without a row are left alone.`;
  return `nothing; every damaged chunk comes back from the set or from its source text.${kept}`;
}

function forecast({ damage, set }: Assessment): number {
  const restore = damage.copy.count > 0 ? (2 * set.qdrant.snapshot.bytes) / SNAPSHOT_BYTES_PER_SECOND : 0;
  return Math.ceil(
    FIXED_SECONDS + restore + damage.copy.count / COPIED_PER_SECOND + damage.reembed.count / EMBEDDED_PER_SECOND,
  );
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

/** The collection has the configuration and payload indexes that the set recorded. */
export function shapeGate(differences: readonly ShapeDifference[]): Gate {
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

export function describeRepair({ written, newer }: { written: number; newer: number }): string {
  return `${describeCount(written)} written${newer > 0 ? `, ${describeCount(newer)} left alone as newer` : ''}`;
}

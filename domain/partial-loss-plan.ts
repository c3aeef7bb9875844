import { describeCount } from './format.ts';
import { acceptedDifferences, type Assessment, describeDamage, lostIndexes } from './partial-loss.ts';
import type { Plan } from './plan.ts';

/**
 * Forecast rates, deliberately low: measured on two cores with 768 dimensions, copying reaches about 5,000 points a
 * second and an embedding endpoint on the processor about 15 texts a second (`npm run bench`).
 */
const COPIED_PER_SECOND = 2_000;
const EMBEDDED_PER_SECOND = 10;
const SNAPSHOT_BYTES_PER_SECOND = 50_000_000;
const FIXED_SECONDS = 15;

/** Where the plan takes place: the collection it restores into beside the live one, and the run it is good for. */
export interface Place {
  readonly environment: string;
  readonly runId: string;
  /** The name the app uses, and the collection it stands for: what is written to. */
  readonly collectionName: string;
  readonly collection: string;
  readonly scratch: string;
  readonly faultDeclaredAt: string;
  readonly commitWindowMinutes: number;
}

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planPartialLoss(assessment: Assessment, place: Place): Plan {
  const { damage, set } = assessment;
  const { environment, runId, collection, collectionName } = place;
  return {
    version: 1,
    scenario: 'partial-loss',
    environment,
    target: `${collectionName} (collection ${collection})`,
    runId,
    reason: describeDamage(assessment),
    steps: [
      {
        step: 'keepDamaged',
        what: `snapshot ${collection} as it is now`,
        why: 'so that everything below can be undone',
      },
      ...copySteps(assessment, place),
      ...otherSteps(assessment),
      {
        step: 'verify',
        what: 'reconcile, compare the configuration, ask golden questions, try to get in without a key',
      },
      commitStep(place),
    ],
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

function copySteps({ damage, set, why }: Assessment, { scratch, collection }: Place): Plan['steps'] {
  if (damage.copy.count === 0) return [];
  const other = set.qdrant.collection === collection ? '' : `; it was taken of ${set.qdrant.collection}`;
  return [
    { step: 'restoreBeside', what: `restore ${set.id} into ${scratch}`, why: why + other },
    {
      step: 'copyBack',
      what: `copy ${describeCount(damage.copy.count)} points from ${scratch} into ${collection}`,
      why: 'the set holds them with the right text',
    },
  ];
}

function otherSteps({ damage, set, shape, dropOrphans }: Assessment): Plan['steps'] {
  const steps: Plan['steps'] = [];
  const [embeds, orphans] = [damage.reembed.count, dropOrphans ? damage.drop.count : 0];
  if (embeds > 0) {
    const what = `embed ${describeCount(embeds)} texts again with ${set.embedding.model}`;
    steps.push({ step: 'embedAgain', what, why: 'the set does not hold their present text' });
  }
  if (orphans > 0) {
    const what = `remove ${describeCount(orphans)} vectors that have no row`;
    steps.push({ step: 'dropOrphans', what, why: 'asked for in the input' });
  }
  const lost = lostIndexes(shape).map(([field]) => field);
  if (lost.length > 0) {
    const what = `create the payload index on ${lost.join(', ')}`;
    steps.push({ step: 'createIndexes', what, why: 'the set recorded it' });
  }
  return steps;
}

/** Whoever starts a run chooses these two, so whoever approves it must see them. */
function commitStep({ commitWindowMinutes, faultDeclaredAt }: Place): Plan['steps'][number] {
  const what =
    commitWindowMinutes > 0
      ? `keep it open to rollBack for ${commitWindowMinutes} min`
      : 'commit at once, without rollBack';
  return { step: 'commit', what, why: `the RTO counts from ${faultDeclaredAt}` };
}

function describeLoss({ damage, shape, dropOrphans, hasRows }: Assessment): string {
  const { count: texts } = damage.reembed;
  const orphans = damage.counts.orphan;
  const parts = [
    'nothing that the set or the source text still holds',
    texts > 0 ? `${describeCount(texts)} chunks depend on their source text` : '',
    hasRows
      ? ''
      : 'there are no rows to tell a loss from a deletion: what was deleted on purpose since the set comes back too',
    orphans > 0 ? `${describeCount(orphans)} vectors without a row are ${dropOrphans ? 'removed' : 'left alone'}` : '',
    ...acceptedDifferences(shape).map(({ path }) => `${path} differs from the set and is left as it is`),
  ];
  return `${parts.filter((part) => part !== '').join('; ')}.`;
}

function forecast({ damage, set }: Assessment): number {
  const restore = damage.copy.count > 0 ? (2 * set.qdrant.snapshot.bytes) / SNAPSHOT_BYTES_PER_SECOND : 0;
  return Math.ceil(
    FIXED_SECONDS + restore + damage.copy.count / COPIED_PER_SECOND + damage.reembed.count / EMBEDDED_PER_SECOND,
  );
}

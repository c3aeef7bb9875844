import { type ClusterAssessment, textsToEmbed } from './cluster-recovery.ts';
import { describeCount } from './format.ts';
import type { Place } from './partial-loss-plan.ts';
import type { Plan } from './plan.ts';
import { describeServer } from './servers.ts';

/** Forecast rates, deliberately low: measured on two cores (`npm run bench`). */
const EMBEDDED_PER_SECOND = 10;
const RESTORED_BYTES_PER_SECOND = 20_000_000;
const FIXED_SECONDS = 30;

/** What the settings say that the plan needs. */
export interface ClusterPlanSettings {
  readonly repoint: boolean;
  readonly pricePerThousandTexts?: number | undefined;
}

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planCluster(found: ClusterAssessment, settings: ClusterPlanSettings, place: Place): Plan {
  const { diagnosis, set, names } = found;
  const { environment, runId, commitWindowMinutes, faultDeclaredAt } = place;
  const commit =
    commitWindowMinutes > 0
      ? `keep it open to rollBack for ${commitWindowMinutes} min, and watch it`
      : 'commit at once, without rollBack';
  return {
    version: 1,
    scenario: 'qdrant-cluster',
    environment,
    target: `${where(found)}, collection ${names.collection}`,
    runId,
    reason: diagnosis.sentence,
    steps: [
      ...bringUpStep(found),
      ...fillSteps(found, settings),
      {
        step: 'verify',
        what: 'configuration, points, indexes, filters, keys, golden questions, and every row against its vector',
        why: 'nothing asks the new one before it has passed',
      },
      cutOverStep(found, settings),
      { step: 'commit', what: commit, why: `the RTO counts from ${faultDeclaredAt}` },
      { step: 'backup', what: 'take a recovery set of it at once', why: 'the next failure must not find the old one' },
    ],
    loss: describeLoss(found),
    expectedSeconds: forecast(found),
    basis: {
      set: set?.id ?? 'none',
      ...(set ? { snapshot: set.qdrant.snapshot.sha256 } : {}),
      filling: found.filling.kind,
      collection: names.collection,
      aliases: names.aliases.join(','),
      ...(found.content ? { content: found.content.list.artifact.sha256 } : {}),
      ...(found.forecast ? { reembed: found.forecast.reembed.artifact.sha256 } : {}),
      ...(found.forecast && found.dropOrphans ? { drop: found.forecast.drop.artifact.sha256 } : {}),
    },
  };
}

function where({ destination }: ClusterAssessment): string {
  if (destination.kind === 'beside') return 'the same server';
  return destination.server ? describeServer(destination.server) : destination.what;
}

function bringUpStep({ destination, unknown }: ClusterAssessment): Plan['steps'] {
  const why = unknown.length > 0 ? `not known beforehand: ${unknown.join('; ')}` : undefined;
  if (destination.kind === 'beside')
    return [
      {
        step: 'bringUp',
        what: 'stay on the same server, which serves',
        why: 'the damaged collection is left as it is',
      },
    ];
  return [{ step: 'bringUp', what: `bring up ${destination.what}`, ...(why === undefined ? {} : { why }) }];
}

function fillSteps(found: ClusterAssessment, { pricePerThousandTexts }: ClusterPlanSettings): Plan['steps'] {
  const { filling, set, names, forecast, dropOrphans } = found;
  const texts = textsToEmbed(found);
  const price =
    pricePerThousandTexts === undefined ? '' : `, for about ${((texts * pricePerThousandTexts) / 1_000).toFixed(2)}`;
  const steps: Plan['steps'] = [];
  if (filling.kind === 'rebuild') {
    const what = `create ${names.collection}, and embed ${describeCount(texts)} texts into it${price}`;
    return [{ step: 'rebuild', what, why: filling.why }];
  }
  if (filling.kind === 'backup')
    return [
      {
        step: 'catchUp',
        what: 'find what has changed since that backup, and embed it',
        why: `${names.collection} comes with the cluster`,
      },
    ];
  const others = set?.qdrant.others?.length ?? 0;
  const more = others > 0 ? `, and ${describeCount(others)} other collections` : '';
  steps.push({
    step: 'restore',
    what: `create ${names.collection} as it was, and restore ${set?.id ?? ''} into it${more}`,
    why: filling.why,
  });
  if (texts > 0)
    steps.push({
      step: 'catchUp',
      what: `embed ${describeCount(texts)} texts${price}`,
      why: 'they are newer than the set',
    });
  const gone = forecast?.counts.orphan ?? 0;
  if (gone > 0 && dropOrphans)
    steps.push({
      step: 'catchUp',
      what: `leave out ${describeCount(gone)} vectors that have no row any more`,
      why: 'they were deleted since the set',
    });
  return steps;
}

function cutOverStep(
  { names, destination }: ClusterAssessment,
  { repoint }: ClusterPlanSettings,
): Plan['steps'][number] {
  const aliases =
    names.aliases.length > 0
      ? `let ${names.aliases.join(', ')} stand for ${names.collection}`
      : `serve ${names.collection}`;
  if (destination.kind === 'beside') return { step: 'switch', what: aliases, why: 'the app needs no change' };
  const app = repoint
    ? 'and point the app to it'
    : 'and ask a person to point the app to it (no app.vectors is configured)';
  return {
    step: 'switch',
    what: `${aliases} there, record it as the live one, ${app}`,
    why: 'the old one is left as it is',
  };
}

function describeLoss({ set, forecast, filling, dropOrphans }: ClusterAssessment): string {
  if (filling.kind === 'backup') return 'what was written since that backup and is not in Postgres.';
  const parts = [
    filling.kind === 'rebuild'
      ? 'payload fields that neither rows nor source text have'
      : forecast
        ? 'nothing that Postgres or the set still holds'
        : `what was written since ${set?.takenAt ?? 'the set'}: there are no rows to catch up from`,
    dropOrphans || !forecast ? '' : 'what was deleted since the set comes back',
  ];
  return `${parts.filter((part) => part !== '').join('; ')}.`;
}

function forecast(found: ClusterAssessment): number {
  const { set, filling } = found;
  const bytes = filling.kind === 'snapshot' ? (set?.qdrant.snapshot.bytes ?? 0) : 0;
  return Math.ceil(FIXED_SECONDS + bytes / RESTORED_BYTES_PER_SECOND + textsToEmbed(found) / EMBEDDED_PER_SECOND);
}

import { describeCount } from './format.ts';
import type { Place } from './partial-loss-plan.ts';
import type { Plan } from './plan.ts';
import { type ContentChange, type ContentList, describeContent, type Scope } from './reindex.ts';

/** Forecast rates, deliberately low: measured on two cores (`npm run bench`). */
const COPIED_PER_SECOND = 2_000;
const EMBEDDED_PER_SECOND = 10;
const FIXED_SECONDS = 20;

/** What is known when the plan is made. */
export interface ReindexAssessment {
  readonly content: ContentList;
  readonly change: ContentChange;
  readonly scope: Scope;
  /** The collection that is filled, and the names that will stand for it. */
  readonly fresh: string;
  readonly aliases: readonly string[];
  readonly pricePerThousandTexts?: number | undefined;
}

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planReindex(found: ReindexAssessment, place: Place): Plan {
  const { content, change, scope, fresh, aliases } = found;
  const { environment, runId, collection } = place;
  const what = scope.sections.length === 0 ? 'all content' : scope.sections.join(', ');
  return {
    version: 1,
    scenario: 'reindex',
    environment,
    target: `collection ${fresh}, in the place of ${collection}`,
    runId,
    reason: `index ${what} again from its source: ${describeContent(content)}`,
    steps: [
      {
        step: 'create',
        what: `create ${fresh} exactly like ${collection}`,
        why: `${collection} is left as it is`,
      },
      ...keptStep(change),
      embedStep(found),
      {
        step: 'verify',
        what: 'configuration, every chunk with its text, filters, keys, golden questions',
        why: 'nothing asks the new one before it has passed',
      },
      ...rowsStep(change),
      {
        step: 'switch',
        what: `let ${aliases.join(', ')} stand for ${fresh}`,
        why: 'one request; the app needs no change',
      },
      commitStep(place),
      ...goneStep(change),
      { step: 'backup', what: 'take a recovery set of it at once', why: 'older sets hold the content of before' },
    ],
    loss: describeLoss(change),
    expectedSeconds: secondsFor(found),
    basis: {
      content: content.list.artifact.sha256,
      kept: change.kept.artifact.sha256,
      gone: change.goneIds.artifact.sha256,
      ...(change.rows ? { rows: change.rows.then.artifact.sha256 } : {}),
      aliases: aliases.join(','),
    },
  };
}

function embedStep(found: ReindexAssessment): Plan['steps'][number] {
  return { step: 'embed', what: `embed ${describeCount(found.content.list.count)} chunks${priceOf(found)}` };
}

function commitStep({ commitWindowMinutes, faultDeclaredAt }: Place): Plan['steps'][number] {
  const open =
    commitWindowMinutes > 0
      ? `keep it open to rollBack for ${commitWindowMinutes} min`
      : 'commit at once, without rollBack';
  return { step: 'commit', what: open, why: `the RTO counts from ${faultDeclaredAt}` };
}

function secondsFor({ change, content }: ReindexAssessment): number {
  return Math.ceil(FIXED_SECONDS + change.kept.count / COPIED_PER_SECOND + content.list.count / EMBEDDED_PER_SECOND);
}

function priceOf({ content, pricePerThousandTexts }: ReindexAssessment): string {
  return pricePerThousandTexts === undefined
    ? ''
    : `, for about ${((content.list.count * pricePerThousandTexts) / 1_000).toFixed(2)}`;
}

function keptStep({ kept }: ContentChange): Plan['steps'] {
  if (kept.count === 0) return [];
  return [
    {
      step: 'keep',
      what: `copy ${describeCount(kept.count)} points as they are`,
      why: 'they are not among what is indexed',
    },
  ];
}

function rowsStep({ rows }: ContentChange): Plan['steps'] {
  if (!rows || rows.changed + rows.fresh === 0) return [];
  return [
    {
      step: 'switch',
      what: `change ${describeCount(rows.changed)} chunk rows, and write ${describeCount(rows.fresh)}`,
      why: 'rows and vectors must say the same; what they were is kept until the end',
    },
  ];
}

function goneStep({ rows }: ContentChange): Plan['steps'] {
  if (!rows || rows.gone === 0) return [];
  return [
    {
      step: 'commit',
      what: `after the commit window take away ${describeCount(rows.gone)} chunk rows that the source has no more`,
      why: 'until then they cost nothing, and rollBack needs them',
    },
  ];
}

function describeLoss({ gone, changed }: ContentChange): string {
  const parts = [
    gone > 0 ? `${describeCount(gone)} chunks that the source has no more are not found again` : '',
    changed > 0 ? `${describeCount(changed)} chunks say what the source says now` : '',
  ].filter((part) => part !== '');
  return `${parts.length === 0 ? 'nothing' : parts.join('; ')}.`;
}

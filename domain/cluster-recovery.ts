import type { ClusterProbe } from './cluster-probe.ts';
import { CONDITIONS, conditionOf, type Diagnosis } from './cluster-failure.ts';
import { type Damage, totalOf } from './damage.ts';
import { describeCount } from './format.ts';
import { shortRunId } from './names.ts';
import type { ContentList } from './reindex.ts';
import type { EmbeddingIdentity, RecoverySet } from './recovery-set.ts';
import type { RunReport } from './report.ts';
import type { ServerRef } from './servers.ts';
import type { ShapeDifference } from './shape.ts';
import type { Gate } from './verdict.ts';

type Shape = RecoverySet['qdrant']['shape'];

/** How the new collection is filled. */
export type Filling =
  | { readonly kind: 'snapshot'; readonly why: string }
  /** The new cluster is made from Qdrant Cloud's own backup: it comes with its collections. */
  | { readonly kind: 'backup'; readonly why: string }
  | {
      readonly kind: 'rebuild';
      readonly why: string;
      /** The set's vectors, and what was found by them, are of another space. */
      readonly otherModel: boolean;
    };

/** Where it goes: another server, or beside the damaged collection on the same one. */
export type Destination =
  | { readonly kind: 'replacement'; readonly what: string; readonly server?: ServerRef | undefined }
  | { readonly kind: 'beside' };

/** What is known when the plan is made. */
export interface ClusterAssessment {
  readonly diagnosis: Diagnosis;
  /** Absent where no set can be used: then everything is embedded anew. */
  readonly set?: RecoverySet | undefined;
  readonly why: string;
  readonly filling: Filling;
  readonly destination: Destination;
  /** What the collection is called on the new server, and the names that stand for it. */
  readonly names: CollectionNames;
  readonly shape: Shape;
  /** What differs between what will be restored and what Postgres says; absent without rows. */
  readonly forecast?: Damage | undefined;
  /** What the source text says; only where neither a set nor rows can be used. */
  readonly content?: ContentList | undefined;
  readonly dropOrphans: boolean;
  readonly gates: readonly Gate[];
  /** What nobody can know beforehand, in sentences. */
  readonly unknown: readonly string[];
}

export interface CollectionNames {
  readonly collection: string;
  readonly aliases: readonly string[];
}

const RUN_SUFFIX = /-r[0-9a-z]{8}$/;

/**
 * What the collection is called on its new server. Elsewhere it keeps its name and its aliases; beside the damaged one it
 * needs a name of its own, which the aliases then stand for. `undefined`: beside is impossible, because the app uses the
 * collection's own name, which is taken.
 */
export function namesFor(
  { name, set, taken }: { name: string; set: RecoverySet | undefined; taken: boolean },
  destination: Destination['kind'],
  runId: string,
): CollectionNames | undefined {
  const collection = set?.qdrant.collection ?? name;
  const aliases = aliasesOf(name, collection, set);
  if (destination === 'replacement') return { collection, aliases };
  if (aliases.length === 0) return taken ? undefined : { collection, aliases };
  return { collection: freshNameOf(collection, runId), aliases };
}

/** A name of this run for what takes the place of a collection; names of runs do not pile up. */
export function freshNameOf(collection: string, runId: string): string {
  return `${collection.replace(RUN_SUFFIX, '')}-r${shortRunId(runId)}`;
}

/** Every alias that stood for the collection when the set was taken, and the app's own name in any case. */
function aliasesOf(name: string, collection: string, set: RecoverySet | undefined): string[] {
  const recorded = (set?.qdrant.aliases ?? []).filter((one) => one.collection === collection).map(({ alias }) => alias);
  const own = name === collection ? [] : [name];
  return [...new Set([...own, ...recorded])];
}

/** The least that a collection of this identity needs, where no set says what it was. */
export function shapeOfIdentity({ dimensions, distance, vectorName }: EmbeddingIdentity): Shape {
  const vector = { size: dimensions, distance };
  const vectors = vectorName === undefined ? vector : { [vectorName]: vector };
  return { config: { params: { vectors } }, payloadSchema: {} };
}

/** The set whose vectors the new ones are compared with: what is embedded anew is not a set's to the last bit. */
export function vectorsOf({ filling, set }: ClusterAssessment): RecoverySet | undefined {
  return filling.kind === 'rebuild' ? undefined : set;
}

/** The set whose golden answers count: those of another model say nothing. */
export function answersOf({ filling, set }: ClusterAssessment): RecoverySet | undefined {
  return filling.kind === 'rebuild' && filling.otherModel ? undefined : set;
}

/** How many texts are embedded: what the set cannot give, or everything. */
export function textsToEmbed({ forecast, content }: ClusterAssessment): number {
  return content?.list.count ?? forecast?.reembed.count ?? 0;
}

/** Orphans of the set are rows that were deleted since: unless asked for, they do not come back. */
export function describeForecast(forecast: Damage, rebuild: boolean): string {
  const { reembed, counts, tally } = forecast;
  if (rebuild) return `${describeCount(reembed.count)} of ${describeCount(tally.rows)} chunks are to be embedded`;
  const gone = counts.orphan > 0 ? `, ${describeCount(counts.orphan)} deleted since` : '';
  return reembed.count + counts.orphan === 0
    ? `nothing: all ${describeCount(tally.rows)} chunks are in the set as they are now`
    : `${describeCount(reembed.count)} of ${describeCount(tally.rows)} chunks are newer than the set${gone}`;
}

/** The collection is what it was, and holds what it held. */
export function configurationGates(
  differences: readonly ShapeDifference[],
  points: { readonly found: number; readonly expected: number | undefined },
  asWhat = 'as the set recorded them',
): Gate[] {
  const named = differences.map(
    ({ path, expected, observed }) => `${path}: ${observed ?? 'absent'} instead of ${expected ?? 'absent'}`,
  );
  return [
    {
      name: 'configuration',
      verdict: differences.length === 0 ? 'pass' : 'fail',
      expected: `every parameter and payload index ${asWhat}`,
      observed: named.length === 0 ? 'no difference' : named.slice(0, 5).join('; '),
    },
    {
      name: 'points',
      verdict: points.expected === undefined || points.found === points.expected ? 'pass' : 'fail',
      expected: points.expected === undefined ? 'what the rows say' : `${describeCount(points.expected)} points`,
      observed: `${describeCount(points.found)} points`,
    },
  ];
}

/** Where no set says what the configuration was, nothing can prove it. */
export const UNKNOWN_CONFIGURATION: Gate = {
  name: 'configuration',
  verdict: 'unproven',
  expected: 'every parameter and payload index as they were',
  observed: 'no recovery set says what they were: the collection has the defaults of the server',
};

/** What one round of looks at the new server says, as gates: the live server answers, and so does the app. */
export function liveGates({ looks }: ClusterProbe): Gate[] {
  return looks
    .filter(({ finding }) => finding !== 'untried')
    .map(({ depth, finding, said }) => ({
      name: `live: ${depth}`,
      verdict: finding === 'ok' ? 'pass' : 'fail',
      expected: 'answers as it should',
      observed: finding === 'ok' ? 'it does' : `${finding}${said === '' ? '' : `: ${said}`}`,
    }));
}

/**
 * Whether a watched replacement must be given up: it has been bad `patience` times in a row, and what it replaced is well.
 * What is broken on both sides is for a person to decide: going back would only trade one outage for another.
 */
export function mustGoBack(
  recent: readonly ClusterProbe[],
  patience: number,
  old: ClusterProbe | undefined,
): string | undefined {
  const last = recent.slice(-patience);
  if (last.length < patience || last.some((probe) => isSound(probe))) return undefined;
  if (!old || conditionOf(old) !== 'well') return undefined;
  const [condition] = last.map(conditionOf).slice(-1);
  const words =
    condition === undefined || condition === 'well' ? 'is not seen by the app' : CONDITIONS[condition].words;
  return `the new server ${words}, ${patience} times in a row, and the one before is well`;
}

/** A new server is sound only when the app says so too. */
export function isSound({ looks }: ClusterProbe): boolean {
  return looks.every(({ finding }) => finding === 'ok' || finding === 'untried');
}

/** What was lost, in time and in what people lose. */
export function measureLoss(
  { set, forecast }: Pick<ClusterAssessment, 'set' | 'forecast'>,
  unavailable: number,
  faultDeclaredAt: Date,
): NonNullable<RunReport['rpo']> {
  const age = set && (faultDeclaredAt.getTime() - Date.parse(set.takenAt)) / 1000;
  const { orphan: _gone, ...newer } = forecast?.counts ?? {
    orphan: 0,
    missing: 0,
    unbacked: 0,
    stale: 0,
    malformed: 0,
  };
  return {
    ...(age === undefined ? {} : { setAgeSeconds: Math.max(0, age) }),
    chunksDamaged: forecast ? totalOf({ ...newer, orphan: 0 }) : 0,
    chunksLost: unavailable,
    turnsLost: 0,
  };
}

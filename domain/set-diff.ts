import canonicalize from 'canonicalize';
import { contentOf } from './artifacts.ts';
import { describeCounts } from './damage.ts';
import { describeCount } from './format.ts';
import { bytesOf, isTorn, type RecoverySet } from './recovery-set.ts';
import type { ConfigurationPart, PostgresPart, Release } from './set-parts.ts';
import type { StoredSet } from './stored-set.ts';

/** One thing that two sets say differently; `undefined` where one of them does not say it. */
export interface SetDifference {
  readonly what: string;
  readonly first: string | undefined;
  readonly second: string | undefined;
}

type Facts = readonly (readonly [what: string, value: string | undefined])[];

/** Everything in which two sets differ, part by part. What only names the set (keys, hashes of whole files) is left out. */
export function diffSets(first: StoredSet, second: StoredSet): SetDifference[] {
  const [a, b] = [new Map(setFacts(first)), new Map(setFacts(second))];
  const names = [...new Set([...a.keys(), ...b.keys()])];
  return names
    .map((what) => ({ what, first: a.get(what), second: b.get(what) }))
    .filter((one) => one.first !== one.second);
}

/** What a set says of itself, in words: one line for each thing. */
export function setFacts({ set, state }: StoredSet): Facts {
  const { embedding, golden, canary } = set;
  const facts: Facts = [
    ['environment', set.environment],
    ['taken at', set.takenAt],
    ['state', state],
    ['its parts agree', isTorn(set) ? `no: ${describeCounts(set.disagreements)}` : 'yes'],
    ['bytes', describeCount(bytesOf(set))],
    ['embedding model', embedding.model],
    ['embedding dimensions', String(embedding.dimensions)],
    ['embedding distance', embedding.distance],
    ['embedding vector name', embedding.vectorName],
    ...qdrantFacts(set),
    ...(set.postgres ? postgresFacts(set.postgres) : [['postgres', 'not in the set'] as const]),
    ...(set.configuration ? configurationFacts(set.configuration) : []),
    ['golden answers', contentOf(golden).sha256.slice(0, 16)],
    ['canary', canary && (canary.inRows ? 'in vectors and rows' : 'in vectors')],
    ['changes while it was taken', set.drift && describeDrift(set.drift.points)],
    ['store', set.store && describeStore(set.store)],
  ];
  return facts.filter(([, value]) => value !== undefined);
}

function qdrantFacts({ qdrant }: RecoverySet): Facts {
  return [
    ['collection name', qdrant.name],
    ['collection', qdrant.collection],
    ['points', describeCount(qdrant.points)],
    ['qdrant version', qdrant.serverVersion],
    [
      'aliases',
      qdrant.aliases
        .map(({ alias, collection }) => `${alias} → ${collection}`)
        .toSorted()
        .join(', '),
    ],
    ...dotted(qdrant.shape.config).map(([path, value]) => [`configuration ${path}`, value] as const),
    ...Object.entries(qdrant.shape.payloadSchema).map(
      ([field, index]) => [`index on ${field}`, canonicalize(index)] as const,
    ),
    ['nodes', qdrant.nodes && String(qdrant.nodes.length)],
    ...(qdrant.others ?? []).map(
      ({ collection, points }) => [`collection ${collection}`, `${describeCount(points)} points`] as const,
    ),
    ['cloud backup', qdrant.cloud?.createdAt],
  ];
}

function postgresFacts({ serverVersion, rows, fingerprints, neon, dump }: PostgresPart): Facts {
  return [
    ['postgres version', serverVersion],
    ['dump files', describeCount(dump.files.length)],
    ...Object.entries(rows).map(([name, count]) => [`rows of ${name}`, describeCount(count)] as const),
    ...Object.entries(fingerprints).map(([name, print]) => [`content of ${name}`, print] as const),
    ['neon project', neon?.projectId],
    ['neon branch', neon?.sourceBranchId],
  ];
}

function configurationFacts({ release, files, variables, references, recipients }: ConfigurationPart): Facts {
  return [
    ['app release', release && describeRelease(release)],
    ...files.map(({ name, artifact }) => [`file ${name}`, contentOf(artifact).sha256.slice(0, 16)] as const),
    ['variables', variables.toSorted().join(', ')],
    [
      'secrets kept elsewhere',
      references
        .map(({ name, from }) => `${name} (${from})`)
        .toSorted()
        .join(', '),
    ],
    ['keys that open it', recipients.toSorted().join(', ')],
  ];
}

/** `v1.4.0 (commit 3f9a1c0)`, or the image. */
function describeRelease(release: Release): string {
  if (release.kind === 'image') return `${release.reference}@${release.digest.slice(0, 19)}`;
  const commit = `commit ${release.commit.slice(0, 12)}${release.clean ? '' : ', with changes beside it'}`;
  return release.tag === undefined ? commit : `${release.tag} (${commit})`;
}

function describeDrift({ added, changed, removed }: { added: number; changed: number; removed: number }): string {
  return `${describeCount(added)} points added, ${describeCount(changed)} changed, ${describeCount(removed)} removed`;
}

function describeStore({ kind, capabilities }: NonNullable<RecoverySet['store']>): string {
  const enforced = capabilities.filter((one) => one.enforced).map(({ name }) => name);
  return `${kind}: ${enforced.toSorted().join(', ') || 'nothing enforced'}`;
}

/** Nested settings as dotted names: `params.vectors.size`. */
function dotted(value: unknown, path = ''): [path: string, value: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, canonicalize(value) ?? '']];
  return Object.entries(value).flatMap(([key, inner]) => dotted(inner, path === '' ? key : `${path}.${key}`));
}

import { type Counts, describeCounts } from './damage.ts';
import { describeChanges } from './drift.ts';
import { describeCount } from './format.ts';
import type { Tally } from './reconcile.ts';
import { isTorn, type RecoverySet } from './recovery-set.ts';
import type { Drift, PostgresPart, Release } from './set-parts.ts';
import type { Gate } from './verdict.ts';

/** Rows that came (or, negative, went) between the dump and now, by table; tables without a change are left out. */
export function rowDrift(then: Record<string, number>, now: Record<string, number>): Record<string, number> {
  const tables = Object.entries(now).map(([table, rows]) => [table, rows - (then[table] ?? 0)] as const);
  return Object.fromEntries(tables.filter(([, change]) => change !== 0));
}

/** `3 added points; chat_messages +12`, or `nothing`. */
export function describeDrift({ points, rows }: Drift): string {
  const changes = describeChanges(points);
  const tables = Object.entries(rows).map(([table, change]) => `${table} ${change > 0 ? '+' : ''}${change}`);
  return [...(changes === 'nothing' ? [] : [`points: ${changes}`]), ...tables].join('; ') || 'nothing';
}

/** `4 files, 12,345 bytes at 0/1A2B3C`. */
export function describeDump({ dump, lsn, neon }: PostgresPart): string {
  const bytes = dump.files.reduce((sum, file) => sum + file.bytes, 0);
  return `${dump.files.length} files, ${describeCount(bytes)} bytes at ${lsn}${neon ? `, of branch ${neon.branchName}` : ''}`;
}

export function describeRelease(release: Release | undefined): string {
  if (!release) return 'no release recorded';
  if (release.kind === 'image') return release.digest.slice(0, 19);
  return release.tag ?? release.commit.slice(0, 12);
}

/** The gates of a set as it was taken: none holds anything up, since what is whole may be needed tonight. */
export function backupGates(set: RecoverySet, { live, rows }: Tally, read: number): Gate[] {
  return [indexGate(set, read), agreementGate(set, { live, rows }), ...releaseGate(set), ...cloudGate(set)];
}

/** The collection was counted and read one after the other; what changed meanwhile is the only excuse for another number. */
function indexGate({ qdrant, drift }: RecoverySet, read: number): Gate {
  const { added = 0, removed = 0 } = drift?.points ?? {};
  return {
    name: 'id index complete',
    verdict: Math.abs(qdrant.points - read) <= added + removed ? 'pass' : 'fail',
    expected: `${describeCount(qdrant.points)} points, as counted beside the snapshot`,
    observed: `${describeCount(read)} points in the index`,
  };
}

/** What was backed up was whole. Vectors without a row beside it are told, and do no harm. */
function agreementGate(set: RecoverySet, { live, rows }: Pick<Tally, 'live' | 'rows'>): Gate {
  const found: Counts = set.disagreements;
  const allowed = set.tolerance > 0 ? `at most ${describeCount(set.tolerance)}` : 'nothing';
  return {
    name: 'the stores agree',
    verdict: isTorn(set) ? 'fail' : 'pass',
    expected: `${allowed} missing, unbacked, stale or malformed when the set was taken`,
    observed: `${describeCounts(found)}: ${describeCount(live)} points, ${describeCount(rows)} rows`,
  };
}

function releaseGate({ configuration }: RecoverySet): Gate[] {
  const release = configuration?.release;
  if (!configuration || !release) return [];
  const problem = release.kind === 'git' ? release.problem : undefined;
  return [
    {
      name: 'release',
      verdict: problem === undefined ? 'pass' : 'fail',
      expected: 'a tagged commit without changes beside it, or an image by its digest',
      observed: problem ?? describeRelease(release),
    },
  ];
}

function cloudGate({ qdrant: { cloud } }: RecoverySet): Gate[] {
  if (!cloud) return [];
  return [
    {
      name: 'Qdrant Cloud’s backup schedule',
      verdict: cloud.scheduleDifferences.length === 0 ? 'pass' : 'fail',
      expected: 'as declared',
      observed: cloud.scheduleDifferences.join('; ') || 'as declared',
    },
  ];
}

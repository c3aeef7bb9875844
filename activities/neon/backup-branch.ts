import type { NeonBackup } from '../../domain/set-parts.ts';
import type { Work } from '../progress.ts';
import type { Branch } from './answers.ts';
import { makeNamed, removeNamed, watched } from './named-branch.ts';
import { findByName, nameFor, sourceAmong } from './source.ts';
import type { Tools } from './tools.ts';

const PHASE = 'Neon: backup branch';

/**
 * Branches the app's branch as it is now, and waits until the branch and its compute can be used. One of the set's name
 * that is there is adopted, since it was made by an attempt before this one.
 * @throws NEON_UNREACHABLE, NEON_BUSY, NEON_DENIED, NEON_REFUSED, NEON_LIMIT
 */
export async function createBackupBranch(
  tools: Tools,
  { setId }: { setId: string },
  work: Work,
  now: Date = new Date(),
): Promise<NeonBackup> {
  const client = watched(tools, PHASE, work);
  const name = nameFor(setId);
  work.report({ phase: PHASE, done: 0, total: 1 });
  const branches = await client.listBranches();
  const source = sourceAmong(branches, tools.config);
  const expiresAt = expiryOf(now, tools.config.retentionDays);
  const order = { name, source, branches, expiresAt, note: { 'recovery-set': setId }, phase: PHASE };
  const branch = await makeNamed(tools, client, order, work);
  work.report({ phase: PHASE, done: 1, total: 1 });
  return describeBackup(tools, source, branch);
}

/** Removes the branch of a set with its compute. Absent is fine. What follows from a lost answer is looked at. */
export async function removeBackupBranch(tools: Tools, { setId }: { setId: string }, work: Work): Promise<void> {
  const client = watched(tools, PHASE, work);
  const found = await findByName(client, nameFor(setId));
  if (found) await removeNamed(tools, client, found, work);
}

const DAY_MS = 86_400_000;
/** Neon refuses more than 30 days from now, by its own clock. */
const LONGEST_LIFE_MS = 30 * DAY_MS - 5 * 60_000;

/** RFC 3339 in whole seconds, as Neon wants it. */
export function expiryOf(now: Date, days: number): string {
  const life = Math.min(days * DAY_MS, LONGEST_LIFE_MS);
  return `${new Date(now.getTime() + life).toISOString().slice(0, 19)}Z`;
}

function describeBackup({ config }: Tools, source: Branch, branch: Branch): NeonBackup {
  return {
    projectId: config.projectId,
    sourceBranchId: source.id,
    branchId: branch.id,
    branchName: branch.name,
    ...(branch.parent_lsn ? { parentLsn: branch.parent_lsn } : {}),
    ...(branch.parent_timestamp ? { parentTimestamp: branch.parent_timestamp } : {}),
    ...(branch.expires_at ? { expiresAt: branch.expires_at } : {}),
  };
}

import type { NeonConfig } from '../../config/neon.ts';
import type { Branch, Project } from './answers.ts';
import type { NeonClient } from './client.ts';
import { NeonFailure } from './failure.ts';

/** Every branch of a backup is called so, and no other one may be. */
export const PREFIX = 'backup-';
/** Branches that runs make, and what they preserved. */
export const RECOVERY_PREFIX = 'recovery-';
const LONGEST_NAME = 256;
const MOST_NAMES = 5;

/** @throws NEON_REFUSED for a name that Neon does not take */
export function nameFor(setId: string): string {
  const name = `${PREFIX}${setId}`;
  if (name.length <= LONGEST_NAME) return name;
  throw new NeonFailure('NEON_REFUSED', `Neon: a branch has a name of at most ${LONGEST_NAME} characters, not ${name}`);
}

/** The branch that the app uses. @throws NEON_REFUSED when it is not there */
export function sourceAmong(branches: readonly Branch[], { branchId, projectId }: NeonConfig): Branch {
  const found = branches.find((branch) => (branchId === undefined ? branch.default : branch.id === branchId));
  if (found) return found;
  const others = branches.filter(({ name }) => !name.startsWith(PREFIX));
  const rootsFirst = others.sort((a, b) => Number(Boolean(a.parent_id)) - Number(Boolean(b.parent_id)));
  const names = rootsFirst.slice(0, MOST_NAMES).map(({ id, name }) => `${id} (${name})`);
  const wanted = branchId === undefined ? 'no default branch' : `no branch ${branchId}`;
  throw new NeonFailure(
    'NEON_REFUSED',
    `Neon: the project ${projectId} has ${wanted}, but ${names.join(', ') || 'none'}; correct NEON_BRANCH_ID`,
  );
}

export async function findSource(client: NeonClient, config: NeonConfig): Promise<Branch> {
  return sourceAmong(await client.listBranches(), config);
}

/** The branch of exactly that name: Neon looks for parts of names. */
export async function findByName(client: NeonClient, name: string): Promise<Branch | undefined> {
  return (await client.listBranches(name)).find((branch) => branch.name === name);
}

/**
 * What is known to keep a branch from being made, before anything is asked for.
 * @throws NEON_REFUSED, NEON_BUSY, NEON_LIMIT
 */
export function expectBranchable(source: Branch, branches: readonly Branch[], { owner }: Project): void {
  if (source.expires_at)
    throw new NeonFailure(
      'NEON_REFUSED',
      `Neon: the branch ${source.name} expires at ${source.expires_at}, and one that expires cannot have children; take its expiry away, or set NEON_BRANCH_ID to the branch that the app uses`,
    );
  // Elsewhere a limit may be what is included in the price, beyond which Neon still makes branches.
  if (owner && /^free/i.test(owner.subscription_type) && branches.length >= owner.branches_limit)
    throw new NeonFailure('NEON_LIMIT', `Neon: the plan allows ${owner.branches_limit} branches; ${taken(branches)}`);
}

/** What takes the room, and how to get some. */
export function taken(branches: readonly Branch[]): string {
  const backups = branches.filter(({ name }) => name.startsWith(PREFIX)).length;
  return `the project has ${branches.length}, of which ${backups} are backups; delete what is not needed, or lower neon.retentionDays`;
}

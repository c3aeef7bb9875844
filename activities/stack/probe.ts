import type { Expectation, Look, Moment } from '../../domain/database-state.ts';
import type { Work } from '../progress.ts';

/** A branch of a moment for a while, and a look at it. */
export interface ProbePorts {
  /** Makes the branch, or adopts the one of that name. @throws NEON_*, MOMENT_REFUSED */
  makeBranch(input: { name: string; at: Moment }, work: Work): Promise<{ branchId: string }>;
  removeBranch(input: { name: string }, work: Work): Promise<void>;
  /** @throws POSTGRES_*, STORE_*, INVALID_INPUT */
  lookAtBranch(input: { branchId: string; expected: Expectation }, work: Work): Promise<Look>;
}

/**
 * Looks at a moment of the history. The branch goes whatever came of the look; one that cannot be removed now is removed
 * at the end of the run, and expires by itself.
 */
export async function probeMoment(
  ports: ProbePorts,
  { name, at, expected }: { name: string; at: Moment; expected: Expectation },
  work: Work,
): Promise<Look> {
  const { branchId } = await ports.makeBranch({ name, at }, work);
  try {
    return await ports.lookAtBranch({ branchId, expected }, work);
  } finally {
    await ports.removeBranch({ name }, work).catch(() => undefined);
  }
}

import type { ArtifactStore } from '../../domain/artifacts.ts';
import { isTorn } from '../../domain/recovery-set.ts';
import { listStoredSets } from '../../domain/stored-set.ts';

/**
 * Moments at which the stack was probably well, the latest first: those of sets whose parts agreed, whether somebody has
 * verified them or not. They tell a search where to look first, and prove nothing.
 */
export async function listMarks(store: ArtifactStore, environment: string, after: string): Promise<{ at: string }[]> {
  const sets = await listStoredSets(store);
  return sets
    .flatMap((found) =>
      'set' in found && found.set.environment === environment && !isTorn(found.set) ? [found.set] : [],
    )
    .map((set) => set.postgres?.neon?.parentTimestamp ?? set.takenAt)
    .filter((at) => Date.parse(at) > Date.parse(after))
    .sort((a, b) => Date.parse(b) - Date.parse(a))
    .map((at) => ({ at }));
}

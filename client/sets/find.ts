import type { ArtifactStore } from '../../domain/artifacts.ts';
import { isSetId, readStoredSet, type StoredSet } from '../../domain/stored-set.ts';
import { notFound, problem } from '../problem.ts';

/** The named set. @throws Problem: there is none (exit 5), or it cannot be used (exit 1) */
export async function findSet(store: ArtifactStore, id: string): Promise<StoredSet> {
  const found = isSetId(id) ? await readStoredSet(store, id) : undefined;
  if (!found) throw notFound(`the store has no set ${id}`, 'List the sets with `dr sets`.');
  if ('problem' in found) throw problem('notPassed', 'SET_TAMPERED', found.problem);
  return found;
}

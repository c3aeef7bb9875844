import type { ArtifactStore } from '../../domain/artifacts.ts';
import { isSetId, readStoredSet, type StoredSet } from '../../domain/stored-set.ts';
import { notFound, problem } from '../problem.ts';

/** @throws Problem (exit 5) when the store has nothing of that name; what is broken is there */
export async function mustBeThere(store: ArtifactStore, id: string): Promise<void> {
  if (isSetId(id) && (await readStoredSet(store, id))) return;
  throw notFound(`the store has no set ${id}`, 'List the sets with `dr sets`.');
}

/** The named set. @throws Problem: there is none (exit 5), or it cannot be used (exit 1) */
export async function findSet(store: ArtifactStore, id: string): Promise<StoredSet> {
  const found = isSetId(id) ? await readStoredSet(store, id) : undefined;
  if (!found) throw notFound(`the store has no set ${id}`, 'List the sets with `dr sets`.');
  if ('problem' in found) throw problem('notPassed', 'SET_TAMPERED', found.problem);
  return found;
}

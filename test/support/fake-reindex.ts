import type { ReindexActivities } from '../../activities/reindex-contract.ts';
import { artifact, green } from './fake-values.ts';

/** A source of 20 chunks: 17 as before, two changed, one new; one chunk is gone, and 80 points are elsewhere. */
export function fakeReindex(): ReindexActivities {
  const list = (name: string, count: number) => ({ artifact: artifact(name), count });
  return {
    listContent: async () => ({
      list: list('content', 20),
      files: 2,
      sections: 5,
      characters: 9_000,
      unknown: [],
    }),
    compareContent: async () => ({
      same: 17,
      changed: 2,
      fresh: 1,
      gone: 1,
      kept: list('kept', 80),
      goneIds: list('gone', 1),
      rows: { changed: 2, fresh: 1, gone: 1, then: list('rows', 2) },
    }),
    embedContent: async () => ({ written: 20 }),
    checkContent: async () => [green('content')],
    alignRows: async () => ({ changed: 2, written: 1, newer: 0 }),
    revertRows: async () => ({ reverted: 3, newer: 0 }),
    removeGoneRows: async () => ({ removed: 1 }),
  };
}

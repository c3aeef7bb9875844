import { RecoveryError } from '../../domain/failures.ts';
import type { Work } from '../progress.ts';
import { withProgress } from '../progress.ts';
import type { ReindexActivities } from '../reindex-contract.ts';
import { alignRows, mustNotCascade, removeGoneRows, revertRows } from './align-rows.ts';
import { compareContent } from './compare-content.ts';
import type { ContentSource } from './content-source.ts';
import { listContent } from './list-content.ts';
import type { StackPorts } from './ports.ts';
import type { RowWriter } from './rebuild.ts';
import { checkContent, embedContent } from './reindex.ts';

/** What reindexing needs besides. */
export interface ReindexParts {
  /** Absent where no source is configured. */
  readonly content: ContentSource | undefined;
  /** Absent for a backend without a chunks table. */
  readonly rowWriter: RowWriter | undefined;
}

/** Content out of its source. To be wrapped in `withFailures`. */
export function createReindexActivities(ports: StackPorts, { content, rowWriter }: ReindexParts): ReindexActivities {
  const source = (): ContentSource => content ?? refuse('content: is not configured, so there is no source to index');
  const writer = (): RowWriter => rowWriter ?? refuse('postgres.tables.chunks: is not configured');
  return {
    listContent: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => listContent({ ...ports, content: source() }, input, work)),
    compareContent: ({ resume, ...input }) =>
      withProgress({ resume }, async (work: Work) => {
        const change = await compareContent(ports, input, work);
        if ((change.rows?.gone ?? 0) > 0) await mustNotCascade({ rowWriter: writer() });
        return change;
      }),
    embedContent: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => embedContent({ ...ports, headingField: source().headingField }, input, work)),
    checkContent: ({ resume, ...input }) => withProgress({ resume }, (work) => checkContent(ports, input, work)),
    alignRows: ({ resume, ...input }) =>
      withProgress({ resume }, (work) => alignRows({ ...ports, rowWriter: writer() }, input, work)),
    revertRows: (input) =>
      withProgress({}, (work) => revertRows({ store: ports.store, rowWriter: writer() }, input, work)),
    removeGoneRows: (input) =>
      withProgress({}, (work) => removeGoneRows({ ...ports, rowWriter: writer() }, input, work)),
  };
}

function refuse(message: string): never {
  throw new RecoveryError('INVALID_CONFIGURATION', message);
}

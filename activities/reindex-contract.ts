/** What reindexing asks for, besides what `contract.ts` and `cluster-contract.ts` have. */
import type { ListRef } from '../domain/artifacts.ts';
import type { ContentChange, ContentList, Scope } from '../domain/reindex.ts';
import type { Gate } from '../domain/verdict.ts';
import type { Resumable } from './contract.ts';

/** Content out of its source: everything, or some sections. */
export interface ReindexActivities {
  /**
   * Reads the source folder, cuts it along its headings as at ingestion, and writes the list of what it says. Ids are those of
   * `content.ids`; without it a chunk keeps the id under which row or point hold the same text of the same section, and a new one
   * gets an id that follows from its place.
   * @throws INVALID_CONFIGURATION (also for two chunks of one id), QDRANT_*, POSTGRES_*, STORE_*
   */
  listContent(
    input: { collection?: string | undefined; sections: string[]; folder: string } & Resumable,
  ): Promise<ContentList & { unknown: string[] }>;
  /**
   * Compares the list with the collection and the rows. Reads only.
   * @throws UNEXPECTED_SCHEMA when rows would have to go that a constraint ties others to
   */
  compareContent(
    input: { collection: string; content: ContentList; scope: Scope; folder: string } & Resumable,
  ): Promise<ContentChange>;
  /**
   * Embeds the listed chunks and writes them into a collection that has nothing newer; what is written already with its text is
   * passed over. Further payload fields come from the point of that id in `from`, where it has one.
   * @throws EMBEDDINGS_*, QDRANT_*
   */
  embedContent(
    input: { list: ListRef; collection: string; from?: string | undefined } & Resumable,
  ): Promise<{ written: number }>;
  /** Whether the collection holds the listed chunks, each with its text and a sound vector, and `besides` other points. */
  checkContent(input: { list: ListRef; collection: string; besides?: number | undefined } & Resumable): Promise<Gate[]>;
  /**
   * Lets the chunk rows say what the new points say: absent ones are written, others changed, in one transaction; what they were is
   * in `folder` before it commits. A row that says something else by now than `then` is left alone. Doing it again changes nothing.
   * @throws UNEXPECTED_SCHEMA, POSTGRES_*
   */
  alignRows(
    input: { list: ListRef; then: ListRef; collection: string; folder: string } & Resumable,
  ): Promise<{ changed: number; written: number; newer: number }>;
  /** Puts rows back to what `alignRows` found, each only while it is what that made of it. Where nothing was kept: fine. */
  revertRows(input: { folder: string }): Promise<{ reverted: number; newer: number }>;
  /** Takes away the rows of chunks that are gone, but for those that have a point in the collection. */
  removeGoneRows(input: { goneIds: ListRef; collection: string }): Promise<{ removed: number }>;
}

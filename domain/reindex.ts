/** Content out of its source, against what the stores hold of it: pure, so that what is approved is what is done. */
import { z } from 'zod';
import { type ListRef, listSchema } from './artifacts.ts';
import { CANARY_SECTION } from './canary.ts';
import { RecoveryError } from './failures.ts';
import { describeCount } from './format.ts';
import { isPointId, type PointId } from './point-id.ts';
import type { Gate } from './verdict.ts';

/** One chunk that the source has, and the id that it gets. */
export const contentChunkSchema = z.strictObject({
  id: z.string().refine(isPointId),
  /** `<file>#<section-slug>` */
  section: z.string(),
  index: z.int().nonnegative(),
  heading: z.string(),
  text: z.string(),
  /** Of the text, as in `IndexEntry`. */
  fingerprint: z.string(),
});
export type ContentChunk = z.infer<typeof contentChunkSchema>;

export function contentLine(chunk: ContentChunk): string {
  return JSON.stringify(chunk);
}

/** The artifact's hash was checked as it was read, so what it holds is what we wrote. */
export function parseContentLine(line: string): ContentChunk {
  return JSON.parse(line) as ContentChunk;
}

/** What the source says. */
export const contentListSchema = z.strictObject({
  list: listSchema,
  files: z.int().nonnegative(),
  sections: z.int().nonnegative(),
  characters: z.int().nonnegative(),
});
export type ContentList = z.infer<typeof contentListSchema>;

/** Which of what is there already is this reindex's business. */
export interface Scope {
  /** Sections or files that were asked for; empty means everything. */
  readonly sections: readonly string[];
  /** What the source has no more stays, even within its sections. */
  readonly keepGone: boolean;
  /** What is in no file of the source goes, too. */
  readonly onlySource: boolean;
}

/** `same` and `changed` are in the source; `gone` was, and is no more; `kept` is none of this reindex's business. */
export type Fate = 'same' | 'changed' | 'gone' | 'kept';

/** What the source says of the sections in question. */
export interface Known {
  /** Fingerprint of the text, by id. */
  readonly texts: ReadonlyMap<PointId, string>;
  readonly sections: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

/** What becomes of a point or row that is there. */
export function fateOf(
  there: { readonly id: PointId; readonly text: string; readonly section?: string | undefined },
  known: Known,
  { sections, keepGone, onlySource }: Scope,
): Fate {
  const text = known.texts.get(there.id);
  if (text !== undefined) return text === there.text ? 'same' : 'changed';
  const section = there.section ?? '';
  if (section === CANARY_SECTION || keepGone) return 'kept';
  if (known.sections.has(section)) return 'gone';
  if (sections.length > 0) return isAskedFor(section, sections) ? 'gone' : 'kept';
  // All of a file was read: a section that it has no more is gone. Other files may have come in another way.
  return onlySource || known.files.has(fileOf(section)) ? 'gone' : 'kept';
}

/** The file of a section: what stands before the first `#`. */
export function fileOf(section: string): string {
  const end = section.indexOf('#');
  return end < 0 ? section : section.slice(0, end);
}

/** A file stands for all of its sections. */
export function isAskedFor(section: string, sections: readonly string[]): boolean {
  return sections.length === 0 || sections.some((one) => section === one || section.startsWith(`${one}#`));
}

/** The source beside what the stores hold. */
export interface ContentChange {
  /** Counted over the collection. */
  readonly same: number;
  readonly changed: number;
  /** In the source, and not in the collection. */
  readonly fresh: number;
  readonly gone: number;
  /** Points that are copied as they are. */
  readonly kept: ListRef;
  /** Ids that points or rows have and the source does not: `id TAB fingerprint of the row's text`. */
  readonly goneIds: ListRef;
  /** Rows to write, change and take away, and what the ones to change say now (lines as above); absent without rows. */
  readonly rows?:
    { readonly changed: number; readonly fresh: number; readonly gone: number; readonly then: ListRef } | undefined;
}

export function describeContent({ list, files, sections }: ContentList): string {
  const of = `${describeCount(sections)} ${sections === 1 ? 'section' : 'sections'} of ${describeCount(files)} ${files === 1 ? 'file' : 'files'}`;
  return `${describeCount(list.count)} ${list.count === 1 ? 'chunk' : 'chunks'} in ${of}`;
}

export function describeChange({ same, changed, fresh, gone, kept, rows }: ContentChange): string {
  const points = `${describeCount(same)} as before, ${describeCount(changed)} changed, ${describeCount(fresh)} new, ${describeCount(gone)} gone, ${describeCount(kept.count)} elsewhere`;
  if (!rows || rows.changed + rows.fresh + rows.gone === 0) return points;
  return `${points}; rows: ${describeCount(rows.changed)} to change, ${describeCount(rows.fresh)} to write, ${describeCount(rows.gone)} to take away`;
}

/** @throws RecoveryError INVALID_INPUT for sections that the source does not have */
export function mustBeInSource(unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  throw new RecoveryError(
    'INVALID_INPUT',
    `sections: the source has no ${unknown.slice(0, 5).join(', ')}; a section is written \`file.md#slug-of-its-heading\`, a whole file \`file.md\``,
  );
}

/** What a full reading of the new collection came to. */
export interface ContentSeen {
  readonly points: number;
  readonly expected: number;
  /** Listed chunks that are not there, or say something else. */
  readonly wrong: readonly PointId[];
  readonly faults: number;
}

export function contentGate({ points, expected, wrong, faults }: ContentSeen): Gate {
  const green = points === expected && wrong.length === 0 && faults === 0;
  const problems = [
    points === expected ? '' : `${describeCount(points)} points`,
    wrong.length === 0
      ? ''
      : `${describeCount(wrong.length)} chunks absent or different: ${wrong.slice(0, 3).join(', ')}`,
    faults === 0 ? '' : `${describeCount(faults)} vectors of a wrong size, zero or not finite`,
  ];
  return {
    name: 'content',
    verdict: green ? 'pass' : 'fail',
    expected: `${describeCount(expected)} points, every chunk of the source among them with its text`,
    observed: green ? `all ${describeCount(points)}` : problems.filter((one) => one !== '').join('; '),
  };
}

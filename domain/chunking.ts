/** A piece of a source document, small enough to be embedded and cited. */
export interface Chunk {
  /** `<file>#<section-slug>`: what a citation points at. */
  readonly source: string;
  /** Position within the section, from 0. */
  readonly index: number;
  readonly heading: string;
  readonly text: string;
}

const MAX_CHUNK = 1_200;

/** Section slug: lower case, every run of other characters becomes one hyphen. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/**
 * Splits Markdown along its headings: every `##` opens a section (what stands before the first belongs to the `#`
 * title), every paragraph is a chunk, and a paragraph beyond 1,200 characters is split between sentences.
 */
export function chunkMarkdown(file: string, markdown: string): Chunk[] {
  const chunks: Chunk[] = [];
  let heading = '';
  let index = 0;
  for (const block of markdown.replaceAll('\r\n', '\n').split(/\n\s*\n/)) {
    const text = block.trim();
    const title = /^#{1,6}\s+(.*)$/.exec(text);
    if (title) {
      heading = title[1] ?? '';
      index = 0;
    } else if (text !== '') {
      for (const part of splitLong(text.replace(/\s*\n\s*/g, ' '))) {
        chunks.push({ source: `${file}#${slugOf(heading)}`, index, heading, text: part });
        index += 1;
      }
    }
  }
  return chunks;
}

function splitLong(text: string): string[] {
  if (text.length <= MAX_CHUNK) return [text];
  const parts: string[] = [];
  let part = '';
  for (const sentence of text.split(/(?<=[.!?])\s+/)) {
    if (part !== '' && part.length + sentence.length >= MAX_CHUNK) {
      parts.push(part);
      part = '';
    }
    part = part === '' ? sentence : `${part} ${sentence}`;
  }
  return [...parts, part];
}

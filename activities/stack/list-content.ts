import { randomUUID } from 'node:crypto';
import type { Chunk } from '../../domain/chunking.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Batches } from '../../domain/index-entry.ts';
import type { PointId } from '../../domain/point-id.ts';
import { type ContentChunk, contentLine, type ContentList, isAskedFor } from '../../domain/reindex.ts';
import { textFingerprint } from '../fingerprint.ts';
import { writeLines } from '../lines.ts';
import type { Work } from '../progress.ts';
import type { ContentSource } from './content-source.ts';
import type { StackPorts } from './ports.ts';

type Ports = Pick<StackPorts, 'vectors' | 'rows' | 'store'> & { readonly content: ContentSource };

/** Reads the source and writes the list of what it says. */
export async function listContent(
  ports: Ports,
  { collection, sections, folder }: { collection?: string | undefined; sections: string[]; folder: string },
  { signal, report }: Work,
): Promise<ContentList & { unknown: string[] }> {
  const { content, store } = ports;
  const idOf = content.idOf ?? (await idsByText(ports, collection, signal));
  const seen = { ids: new Map<PointId, ContentChunk>(), sections: new Set<string>(), files: 0, characters: 0 };
  const found = new Set<string>();
  const listed = async function* (): Batches<ContentChunk> {
    for await (const chunks of content.read()) {
      signal.throwIfAborted();
      for (const one of sections) if (chunks.some(({ source }) => isAskedFor(source, [one]))) found.add(one);
      const wanted = chunks.filter(({ source }) => isAskedFor(source, sections));
      if (wanted.length > 0) seen.files += 1;
      yield wanted.flatMap((chunk) => note(seen, chunk, idOf(chunk)) ?? []);
      report({ phase: 'read the source', done: seen.ids.size, total: 0 });
    }
  };
  const list = await writeLines(store, `${folder}/content-${randomUUID().slice(0, 8)}.ndjson`, listed(), contentLine);
  const unknown = sections.filter((one) => !found.has(one));
  return { list, files: seen.files, sections: seen.sections.size, characters: seen.characters, unknown };
}

/** @returns the chunk as it is listed; `undefined` for one that says the same as one of the same id before */
function note(
  seen: { ids: Map<PointId, ContentChunk>; sections: Set<string>; characters: number },
  { source, index, heading, text }: Chunk,
  id: PointId,
): ContentChunk | undefined {
  const chunk = { id, section: source, index, heading, text, fingerprint: textFingerprint(text) };
  const twin = seen.ids.get(id);
  if (twin && twin.text !== text)
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      `content.ids: chunk ${twin.index} of ${twin.section} and chunk ${index} of ${source} get the same id ${id}; put {{index}}, {{section}} or {{text}} into content.ids.name, or tell apart the headings of the same name`,
    );
  if (twin) return undefined;
  seen.ids.set(id, chunk);
  seen.sections.add(source);
  seen.characters += text.length;
  return chunk;
}

/** A chunk keeps the id under which the stores hold its text; the others get one of our own. */
async function idsByText(
  { vectors, rows, content }: Pick<Ports, 'vectors' | 'rows' | 'content'>,
  collection: string | undefined,
  signal: AbortSignal,
): Promise<(chunk: Chunk) => PointId> {
  const known = new Map<string, PointId[]>();
  const learn = (section: string, text: string, id: PointId): void => {
    const key = `${section}\n${text}`;
    known.set(key, [...(known.get(key) ?? []), id]);
  };
  if (rows) {
    for await (const batch of rows.readRows(signal))
      for (const { section, text, id } of batch) learn(section, text, id);
  } else if (collection !== undefined) {
    for await (const batch of vectors.readIndex(collection, 'text', signal))
      for (const { section = '', text, id } of batch) learn(section, text, id);
  }
  // A text that stands twice in a section has two ids, in an order that is always the same.
  return (chunk) => known.get(`${chunk.source}\n${textFingerprint(chunk.text)}`)?.shift() ?? content.ownId(chunk);
}

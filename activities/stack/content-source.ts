import type { ListRef } from '../../domain/artifacts.ts';
import type { Chunk } from '../../domain/chunking.ts';
import type { PointId } from '../../domain/point-id.ts';
import { fileOf, type Known, parseContentLine } from '../../domain/reindex.ts';
import { openLines } from '../lines.ts';
import type { StackPorts } from './ports.ts';

/** The source, as it is to be indexed. */
export interface ContentSource {
  /** Chunks of one file after the other. @throws INVALID_CONFIGURATION */
  read(): AsyncIterable<readonly Chunk[]>;
  /** The id by the configured rule; absent where none is configured. */
  readonly idOf?: ((chunk: Chunk) => PointId) | undefined;
  /** The id of a chunk that has none yet, where no rule is configured. */
  readonly ownId: (chunk: Chunk) => PointId;
  readonly headingField?: string | undefined;
}

/** What a list says, without its texts. */
export async function knownOf(store: StackPorts['store'], list: ListRef): Promise<Known> {
  const texts = new Map<PointId, string>();
  const sections = new Set<string>();
  for await (const batch of openLines(store, list.artifact, parseContentLine))
    for (const { id, fingerprint, section } of batch) {
      texts.set(id, fingerprint);
      sections.add(section);
    }
  return { texts, sections, files: new Set([...sections].map(fileOf)) };
}

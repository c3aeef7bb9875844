import { chunkId, ownId, readSource } from '../activities/content/index.ts';
import type { ReindexActivities } from '../activities/reindex-contract.ts';
import type { ContentSource } from '../activities/stack/content-source.ts';
import type { StackPorts } from '../activities/stack/index.ts';
import { createReindexActivities } from '../activities/stack/reindex-activities.ts';
import type { Config } from '../config/schema.ts';
import { createRowWriter } from './compose-postgres.ts';

/** Everything that indexes content again from its source. */
export function composeReindex(config: Config, ports: StackPorts): ReindexActivities {
  const { postgres } = config;
  return createReindexActivities(ports, {
    content: sourceOf(config),
    rowWriter: ports.rows && postgres && createRowWriter(postgres),
  });
}

function sourceOf({ content, qdrant }: Config): ContentSource | undefined {
  if (!content) return undefined;
  const { ids, headingField } = content;
  return {
    read: () => readSource(content),
    idOf: ids && ((chunk) => chunkId(ids, chunk)),
    ownId: (chunk) => ownId(qdrant.idStrategy, chunk),
    headingField,
  };
}

import type { QdrantConfig } from '../../config/schema.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { ChatApp } from '../../domain/chat-app.ts';
import type { Embedder, SourceTexts } from '../../domain/embedder.ts';
import type { GoldenQuestion } from '../../domain/recovery-set.ts';
import type { RowStore } from '../../domain/row-store.ts';
import type { VectorStore } from '../../domain/vector-store.ts';

/** The systems that these activities bring together. */
export interface StackPorts {
  readonly vectors: VectorStore;
  /** Absent for a backend without a chunks table. */
  readonly rows?: RowStore | undefined;
  readonly store: ArtifactStore;
  readonly embedder: Embedder;
  readonly sources?: SourceTexts | undefined;
  readonly app?: ChatApp | undefined;
  /** Questions to ask when a set is taken. */
  readonly questions: () => Promise<readonly GoldenQuestion[]>;
  /** Where payloads keep what rows know. */
  readonly fields: QdrantConfig['fields'];
}

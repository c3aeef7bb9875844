/** Turns texts into vectors of the configured identity. @throws EMBEDDINGS_UNREACHABLE, EMBEDDINGS_REFUSED */
export interface Embedder {
  /** How many texts one request takes at most. */
  readonly batch: number;
  /** One vector for each document, in their order. */
  embedDocuments(texts: readonly string[], signal?: AbortSignal): Promise<number[][]>;
  embedQuery(text: string, signal?: AbortSignal): Promise<number[]>;
}

/** Source text by its fingerprint, for stacks whose Postgres holds none. */
export interface SourceTexts {
  /** Fingerprint to text, for those that were found. */
  find(fingerprints: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

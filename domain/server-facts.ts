import type { Gate } from './verdict.ts';

/** A collection as somebody who looks for a free place sees it. */
export interface FoundCollection {
  readonly name: string;
  /** Which environment it says it belongs to, and which run made it, where it says so. */
  readonly environment?: string | undefined;
  readonly madeBy?: string | undefined;
}

/** What can be asked of a Qdrant server before anything is written to it. @throws QDRANT_* */
export interface ServerFacts {
  version(signal?: AbortSignal): Promise<string>;
  /** Collections and aliases by name; aliases carry the marks of what they stand for. */
  collections(signal?: AbortSignal): Promise<FoundCollection[]>;
  /** Whether it keeps out whom it should. */
  access(): Promise<Gate[]>;
  /** How many nodes it has; 1 where clustering is off. */
  nodes(signal?: AbortSignal): Promise<number>;
}

/** A store that carries its environment's name inside it, so that a wrong URL is noticed before anything is written. */
export interface MarkedStore {
  /** What the store is, for messages: `Qdrant collection textbook-content`. */
  readonly title: string;
  /** The name that the store carries, or `undefined` when nobody has marked it. */
  readMark(): Promise<string | undefined>;
  writeMark(environment: string): Promise<void>;
}

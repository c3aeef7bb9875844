/** Parts that faults end and start. */
export type BreakablePart = 'qdrant' | 'postgres';

/** What a fault may use. */
export interface FaultContext {
  /** The product's variables: where the stores are and how to get in. */
  readonly env: Readonly<Record<string, string>>;
  readonly control: {
    /** `kill -9`. */
    kill(part: BreakablePart): Promise<void>;
    /** Starts what was killed. */
    start(part: BreakablePart): Promise<void>;
    restart(part: BreakablePart): Promise<void>;
  };
  /** Folder of the sandbox, whose servers have theirs in it; absent where the stores are somebody else's. */
  readonly dir?: string | undefined;
  /** Where the sandbox's Qdrant takes its switches; a real Qdrant has none. */
  readonly qdrantFaultUrl?: string | undefined;
  /** Which sections are struck. The same seed strikes the same. Default 1. */
  readonly seed?: number | undefined;
}

/** A way to break the stack. */
export interface Fault {
  /** For lists: what it does, in a few words. */
  readonly about: string;
  /** Breaks it, and returns one sentence that says exactly what was broken. @throws Error when nothing was broken */
  inject(context: FaultContext): Promise<string>;
  /** Ends an outage. Absent for damage, which only a recovery mends. */
  end?(context: FaultContext): Promise<void>;
}

import type { AppFolders } from '../app/places.ts';

/** Systems that can be broken on purpose. */
export type BreakablePart = 'qdrant' | 'postgres' | 'app';

/** A part that a fault ends and starts: of the app's two servers that which serves. */
export type ControlledPart = 'qdrant' | 'postgres' | 'app' | 'app-backup';

/** The app's server that the readers' requests go to. */
export interface LiveApp {
  readonly part: 'app' | 'app-backup';
  readonly folders: AppFolders;
  /** Repository of its releases. */
  readonly repository: string;
}

/** What a fault may use. */
export interface FaultContext {
  /** The product's variables: where the stores are and how to get in. */
  readonly env: Readonly<Record<string, string>>;
  readonly control: {
    /** `kill -9`. */
    kill(part: ControlledPart): Promise<void>;
    /** Starts what was killed. */
    start(part: ControlledPart): Promise<void>;
    restart(part: ControlledPart): Promise<void>;
  };
  /** Folder of the sandbox, whose servers have theirs in it; absent where the stores are somebody else's. */
  readonly dir?: string | undefined;
  /** Asks the router; absent where the app is somebody else's. */
  readonly liveApp?: (() => Promise<LiveApp>) | undefined;
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

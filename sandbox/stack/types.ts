import type { SandboxOptions } from '../../config/sandbox.ts';
import type { ProvidedPython } from '../launch/python.mjs';

/** In the order in which they are started. */
export const PART_NAMES = [
  'temporal',
  'postgres',
  'neon',
  'qdrant',
  'qdrant-standby',
  'embeddings',
  'app',
  'app-backup',
  'caddy',
  'worker',
] as const;
export type PartName = (typeof PART_NAMES)[number];

/** `external`: given as a URL, not ours to start or kill. `stopped`: on purpose. `crashed`: nobody asked for it. */
export type PartState = 'running' | 'stopped' | 'crashed' | 'external';

/** A part as people see it. */
export interface PartView {
  readonly name: PartName;
  readonly state: PartState;
  /** Where it listens, for people: a URL or `host:port`. Holds no password. */
  readonly address: string;
  /** What runs, and where it was found. */
  readonly source: string;
  readonly log: string | null;
  readonly pid: number | null;
}

/** One program to keep running. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Another user, where the program refuses ours. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** What ends it in good order. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
}

/** What a part's module hands to the supervisor. */
export interface PartPlan {
  readonly name: PartName;
  readonly address: string;
  readonly source: string;
  /** Absent for an external part. */
  readonly command?: Command;
  /** Throws while the part, running as process `pid`, cannot serve yet. Called again and again until a deadline. */
  ready(pid?: number): Promise<void>;
}

export type StackPorts = Readonly<
  Record<
    | 'temporal'
    | 'temporalUi'
    | 'temporalHttp'
    | 'temporalMetrics'
    | 'postgres'
    | 'neon'
    | 'neonFaults'
    | 'neonEndpoint'
    | 'qdrant'
    | 'qdrantGrpc'
    | 'qdrantFaults'
    | 'standby'
    | 'standbyGrpc'
    | 'standbyFaults'
    | 'embeddings'
    | 'app'
    | 'appBackup'
    | 'caddy'
    | 'caddyAdmin'
    | 'control',
    number
  >
>;

/** Made once for a sandbox's name and kept with its data, because Postgres and Qdrant keep theirs. */
export interface StackSecrets {
  readonly postgresAdmin: string;
  readonly postgres: string;
  readonly qdrant: string;
  readonly qdrantReadOnly: string;
  readonly control: string;
}

/** What every part's module may use to make its plan. */
export interface StackContext {
  readonly name: string;
  /** `.sandbox/run/<name>` */
  readonly dir: string;
  readonly ports: StackPorts;
  readonly secrets: StackSecrets;
  readonly options: SandboxOptions;
  readonly provided: ProvidedPython;
}

export interface StackUrls {
  readonly temporalUi: string;
  /** The app through Caddy, which is what people and the product use. */
  readonly app: string;
  /** The app itself, behind Caddy. */
  readonly appDirect: string;
  /** The server that takes over from it. */
  readonly appBackup: string;
  readonly caddyAdmin: string;
  readonly qdrant: string;
  /** Where the Qdrant front takes its fault switches; null for a real Qdrant. */
  readonly qdrantFaults: string | null;
  /** The Qdrant that may take the place of the other; null where that is given from outside. */
  readonly standby: string | null;
  readonly standbyFaults: string | null;
  /** Where Neon's stand-in takes its fault switches; null without it. */
  readonly neonFaults: string | null;
  readonly embeddings: string;
}

/** A running sandbox. */
export interface Stack {
  readonly name: string;
  /** Everything of it: data, logs, settings, the recovery store. */
  readonly dir: string;
  /** Exactly the variables that the product reads. Holds secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly urls: StackUrls;
  readonly secrets: StackSecrets;
  readonly ports: StackPorts;
  /** Folder with pg_dump and the like. */
  readonly pgBinDir: string;
  parts(): PartView[];
  isRunning(part: PartName): boolean;
  /** Sends a signal to a part and its children; for a signal that ends it, waits until it is gone. Default SIGKILL. */
  kill(part: PartName, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a part that was killed or has crashed, on the same ports and data, and waits until it serves. */
  start(part: PartName): Promise<void>;
  /** Ends a part in good order when it runs, then starts it. */
  restart(part: PartName): Promise<void>;
  /** Ends every part in order. Calling it again is harmless. */
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Default `default`. Two sandboxes with different names can live side by side. */
  readonly name?: string | undefined;
  /** Start from nothing: data of an earlier run of this name is removed. */
  readonly fresh?: boolean | undefined;
  /** Neon's control plane over Postgres in the place of Postgres alone. Default false. */
  readonly neon?: boolean | undefined;
  /** Only these parts. Default: all that are there. `postgres` means Neon's where that takes its place. */
  readonly only?: readonly PartName[] | undefined;
  /** Where `run/` and `current.json` go. Default: `.sandbox` of the project. */
  readonly folder?: string | undefined;
  readonly options?: SandboxOptions | undefined;
  /** Told in whole sentences: what starts, what crashed. */
  readonly onMessage?: ((message: string) => void) | undefined;
}

import { hostname, userInfo } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';
import type { ConfigSources } from '../config/load.ts';

/** A place to write to, and whether a person looks at it. */
export interface Terminal {
  readonly stream: Writable;
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** Everything of its process that a command may touch. */
export interface Context {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly colors: boolean;
  readonly sources: ConfigSources;
  /** Name of the person, as the operating system knows it. */
  readonly user: string;
  /** Pause between two looks at a run that is followed, in milliseconds. */
  readonly pollMs: number;
  readonly now: () => Date;
}

const WIDE = 100;
const HIGH = 24;
const POLL_MS = 1_000;

/** The context of this process. Colours: only on a terminal, and never with NO_COLOR. */
export function processContext(): Context {
  const terminal = (stream: NodeJS.WriteStream): Terminal => ({
    stream,
    isTTY: stream.isTTY,
    columns: stream.columns || WIDE,
    rows: stream.rows || HIGH,
  });
  return {
    stdin: process.stdin,
    stdout: terminal(process.stdout),
    stderr: terminal(process.stderr),
    colors: process.stdout.isTTY && pc.isColorSupported,
    sources: {},
    user: userName(),
    pollMs: POLL_MS,
    now: () => new Date(),
  };
}

/** How this client calls itself in histories: a claim, not a proof. */
export function identityOf({ user }: Context): string {
  return `dr-cli:${user}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return 'unknown';
  }
}

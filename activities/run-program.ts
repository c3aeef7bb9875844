import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** What the worker itself was given: handed in, since the environment is read in config/ only. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Run {
  readonly environment: Environment;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The folder it runs in; the worker's own when absent. */
  readonly cwd?: string | undefined;
  /** Written to its standard input, which stays open until it ends: it is at its end when the worker is. */
  readonly input?: string | undefined;
  /** Hears both streams as they come, which may be any length then; only their ends are kept. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** How a program ended. What it printed is for the caller alone: neither stream may go into a message unseen. */
export type Ended = { readonly stdout: string } | { readonly problem: string; readonly stderr: string };

const MOST_OUTPUT = 1 << 22;
const KEPT_OUTPUT = 1 << 16;

/**
 * Runs a program to its end, or kills it and everything that it has started at its deadline. `problem` goes on from the
 * name of the program.
 */
export async function runProgram(file: string, args: readonly string[], run: Run): Promise<Ended> {
  const { environment, timeoutMs, signal, cwd, input, onOutput } = run;
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
  const child = spawn(file, args, {
    env: environment,
    ...(cwd === undefined ? {} : { cwd }),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    // A group of its own, so that a shell's children go with it: they would keep its output open.
    detached: true,
  });
  const kill = (): void => {
    killGroup(child);
    // What it has started in a group of its own may hold them for ever.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  stop.addEventListener('abort', kill);
  try {
    const streams = [child.stdout, child.stderr] as const;
    const [stdout, stderr] = onOutput ? streams.map(hear(onOutput)) : streams.map(collect(kill));
    // Whoever ends before it has read all is told by its end.
    child.stdin?.on('error', () => undefined).write(input ?? '');
    const end = await endOf(child);
    signal?.throwIfAborted();
    const tooMuch = stdout?.tooMuch() === true;
    if (end === 0 && !tooMuch && !deadline.aborted) return { stdout: stdout?.text() ?? '' };
    const problem = tooMuch ? 'prints more than a secret has' : describe(end, deadline.aborted, timeoutMs);
    return { problem, stderr: stderr?.text() ?? '' };
  } finally {
    child.stdin?.destroy();
    stop.removeEventListener('abort', kill);
  }
}

function describe(end: number | string, late: boolean, timeoutMs: number): string {
  const limit = `${timeoutMs / 1_000} s`;
  if (end === 0 && late) return `ended, but what it has started held its output for ${limit}: send that to a file`;
  if (typeof end === 'number') return `ended with exit code ${end}`;
  return late ? `did not end within ${limit}` : end;
}

/** Exit code, or what happened instead. Node's own messages quote the command, so they are not repeated. */
function endOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', () => resolve('cannot be started'));
    child.once('close', (code, by) => resolve(code ?? `was ended by ${by ?? 'something'}`));
  });
}

interface Collected {
  text(): string;
  tooMuch(): boolean;
}

function collect(tooMuch: () => void): (stream: Readable | null) => Collected {
  return (stream) => {
    const pieces: Buffer[] = [];
    let length = 0;
    stream?.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > MOST_OUTPUT) tooMuch();
      else pieces.push(piece);
    });
    return { text: () => Buffer.concat(pieces).toString('utf8'), tooMuch: () => length > MOST_OUTPUT };
  };
}

function hear(onOutput: (text: string) => void): (stream: Readable | null) => Collected {
  return (stream) => {
    const decoder = new StringDecoder('utf8');
    let tail = '';
    stream?.on('data', (piece: Buffer) => {
      const text = decoder.write(piece);
      tail = (tail + text).slice(-KEPT_OUTPUT);
      onOutput(text);
    });
    return { text: () => tail, tooMuch: () => false };
  };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** What the worker itself was given: handed in, since the environment is read in config/ only. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Run {
  readonly environment: Environment;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. What it printed is for the caller alone: neither stream may go into a message unseen. */
export type Ended = { readonly stdout: string } | { readonly problem: string; readonly stderr: string };

type Child = ChildProcessByStdio<null, Readable, Readable>;

const MOST_OUTPUT = 1 << 22;

/**
 * Runs a program to its end, or kills it and everything that it has started at its deadline. `problem` goes on from the
 * name of the program.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  { environment, timeoutMs, signal }: Run,
): Promise<Ended> {
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
  // A group of its own, so that a shell's children go with it: they would keep its output open.
  const child = spawn(file, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const kill = (): void => killGroup(child);
  stop.addEventListener('abort', kill);
  try {
    const [stdout, stderr] = [collect(child.stdout, kill), collect(child.stderr, kill)];
    const end = await endOf(child);
    signal?.throwIfAborted();
    if (end === 0 && !stdout.tooMuch()) return { stdout: stdout.text() };
    const problem = stdout.tooMuch() ? 'prints more than a secret has' : describe(end, deadline.aborted, timeoutMs);
    return { problem, stderr: stderr.text() };
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

function describe(end: number | string, late: boolean, timeoutMs: number): string {
  if (typeof end === 'number') return `ended with exit code ${end}`;
  return late ? `did not end within ${timeoutMs / 1_000} s` : end;
}

/** Exit code, or what happened instead. Node's own messages quote the command, so they are not repeated. */
function endOf(child: Child): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', () => resolve('cannot be started'));
    child.once('close', (code, by) => resolve(code ?? `was ended by ${by ?? 'something'}`));
  });
}

function collect(stream: Readable, tooMuch: () => void): { text(): string; tooMuch(): boolean } {
  const pieces: Buffer[] = [];
  let length = 0;
  stream.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length > MOST_OUTPUT) tooMuch();
    else pieces.push(piece);
  });
  return { text: () => Buffer.concat(pieces).toString('utf8'), tooMuch: () => length > MOST_OUTPUT };
}

function killGroup({ pid }: Child): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

import { execFile } from 'node:child_process';

/** What the worker itself was given: handed in, since the environment is read in config/ only. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Run {
  readonly environment: Environment;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. What it printed is for the caller alone: neither stream may go into a message unseen. */
export type Ended =
  | { readonly stdout: string }
  | { readonly problem: string; readonly code: number | undefined; readonly stderr: string };

const MOST_OUTPUT = 1 << 22;

/** Runs a program to its end, or kills it at its deadline. `problem` goes on from the name of the program. */
export function runProgram(
  file: string,
  args: readonly string[],
  { environment, timeoutMs, signal }: Run,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      { env: environment, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT, encoding: 'utf8', signal },
      (error, stdout, stderr) => {
        if (signal?.aborted) reject(signal.reason as Error);
        else if (!error) resolve({ stdout });
        else resolve({ problem: problemOf(error, timeoutMs), code: numberOf(error.code), stderr });
      },
    );
    child.stdin?.end();
  });
}

function numberOf(code: unknown): number | undefined {
  return typeof code === 'number' ? code : undefined;
}

/** Node's own message quotes the command and what it said, so it is not repeated. */
function problemOf(error: Error & { code?: unknown; killed?: boolean; signal?: unknown }, timeoutMs: number): string {
  if (error.code === 'ENOENT') return 'cannot be found';
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'prints more than a secret has';
  if (typeof error.code === 'number') return `ended with exit code ${error.code}`;
  if (error.killed === true) return `did not end within ${timeoutMs / 1_000} s`;
  return `was ended by ${typeof error.signal === 'string' ? error.signal : 'something'}`;
}

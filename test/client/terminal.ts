import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../client/cli.ts';
import type { Context } from '../../client/context.ts';

/** What a command left behind. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Setting {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly isTTY?: boolean;
  /** What the person types. */
  readonly typed?: string;
}

/** Runs one command line in this process, with streams of its own, as if its environment were `env`. */
export async function dr(args: string[], { env = {}, cwd = '/', isTTY = false, typed }: Setting = {}): Promise<Said> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stdin = Object.assign(Readable.from(typed === undefined ? [] : [typed]), { isTTY });
  const context: Context = {
    stdin,
    stdout: { stream: stdout, isTTY, columns: 100, rows: 24 },
    stderr: { stream: stderr, isTTY, columns: 100, rows: 24 },
    colors: false,
    sources: { env, cwd },
    user: 'operator',
    pollMs: 50,
    now: () => new Date(),
  };
  const code = await runCli(args, context);
  return { code, out: text(stdout), err: text(stderr) };
}

function text(stream: PassThrough): string {
  const read: unknown = stream.read();
  return Buffer.isBuffer(read) ? read.toString('utf8') : '';
}

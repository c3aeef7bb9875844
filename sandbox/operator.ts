import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { searchPath } from '../config/search-path.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** An answer of the command line that was not a success: its exit code and what it said. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly exitCode: number | null;

  constructor(command: string, exitCode: number | null, said: string) {
    super(`dr ${command} ended with ${exitCode}: ${said}`);
    this.exitCode = exitCode;
  }
}

/**
 * The person on call, as a program: runs `dr` the way a person would, as a process of its own over the public
 * interfaces, and reads its JSON.
 */
export class Operator {
  readonly #env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** Runs a command with `--json` and parses what it printed. @throws OperatorError when it did not exit with 0 */
  async ask<S extends z.ZodType>(schema: S, ...args: string[]): Promise<z.output<S>> {
    const { exitCode, stdout, stderr } = await this.#run([...args, '--json']);
    if (exitCode !== 0) throw new OperatorError(args.join(' '), exitCode, (stdout || stderr).trim().slice(0, 2_000));
    return schema.parse(JSON.parse(stdout));
  }

  /** As `ask`, whatever the exit code: a recovery that failed has a report too. */
  async read<S extends z.ZodType>(schema: S, ...args: string[]): Promise<z.output<S>> {
    const { exitCode, stdout, stderr } = await this.#run([...args, '--json']);
    if (stdout.trim() === '') throw new OperatorError(args.join(' '), exitCode, stderr.trim().slice(0, 2_000));
    return schema.parse(JSON.parse(stdout));
  }

  /** Shows a command's own output to people, on stderr, until it ends by itself or by the signal. */
  async show(signal: AbortSignal, ...args: string[]): Promise<void> {
    const child = spawn(process.execPath, ['client/main.ts', ...args], {
      cwd: root,
      env: { PATH: searchPath() ?? '', ...this.#env },
      stdio: ['ignore', process.stderr.fd, process.stderr.fd],
      signal,
    });
    child.on('error', () => undefined);
    await once(child, 'close').catch(() => undefined);
  }

  async #run(args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, ['client/main.ts', ...args], {
      cwd: root,
      env: { PATH: searchPath() ?? '', ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    await once(child, 'close');
    return { exitCode: child.exitCode, ...said };
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Stack } from '../../sandbox/stack/types.ts';

/** What is different from the sandbox's own worker. */
export interface Otherwise {
  /** Settings over the sandbox's; what is undefined is left out. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Variables over the sandbox's; what is undefined is left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A worker in the place of the sandbox's own, with other settings, that can be killed at any moment. */
export class OwnWorker {
  readonly #stack: Stack;
  #child: ChildProcess | undefined;
  #files = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  /** Starts it; one that runs is killed with `kill -9` first. */
  async start({ settings, env = {} }: Otherwise): Promise<void> {
    await this.kill();
    const { dir, env: given } = this.#stack;
    if (this.#stack.isRunning('worker')) await this.#stack.kill('worker', 'SIGKILL');
    const file = join(dir, `other-${(this.#files += 1)}.config.json`);
    const base = JSON.parse(await readFile(join(dir, 'recovery.config.json'), 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...base, ...settings }), { mode: 0o600 });
    const variables = { PATH: process.env['PATH'], ...given, RECOVERY_CONFIG: file, ...env };
    const set = Object.entries(variables).filter(([, value]) => value !== undefined);
    const log = openSync(join(dir, 'logs', 'own-worker.log'), 'a');
    const child = spawn(process.execPath, [join(process.cwd(), 'workers/main.ts')], {
      cwd: dir,
      env: Object.fromEntries(set),
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    // Settings that it refuses end it within a second or two.
    await Promise.race([once(child, 'exit'), pause(1_500)]);
    if (child.exitCode !== null)
      throw new Error(
        `the worker ended: ${(await readFile(join(dir, 'logs', 'own-worker.log'), 'utf8')).slice(-1_000)}`,
      );
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

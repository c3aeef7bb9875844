import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Command } from './types.ts';
import type { Watchdog } from './watchdog.ts';

const STOP_MS = 10_000;
const ENDING: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGABRT', 'SIGHUP'];

/**
 * Keeps one program: starts it as the leader of a process group of its own, with its output in a log file, tells when it
 * ends without having been asked to, and ends it with everything it has started.
 */
export class Keeper {
  readonly #command: Command;
  readonly #log: string;
  readonly #watchdog: Watchdog;
  readonly #onCrash: (how: string) => void;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  /** One that was never started has not crashed. */
  #asked = true;
  #how: string | undefined;

  constructor(command: Command, log: string, watchdog: Watchdog, onCrash: (how: string) => void) {
    this.#command = command;
    this.#log = log;
    this.#watchdog = watchdog;
    this.#onCrash = onCrash;
  }

  get pid(): number | undefined {
    return this.isRunning() ? this.#child?.pid : undefined;
  }

  isRunning(): boolean {
    return this.#child !== undefined && this.#how === undefined;
  }

  /** How it ended, while it is not running: `exit code 1`, `signal SIGKILL`. */
  get ended(): string | undefined {
    return this.#how;
  }

  /** Whether the end was asked for. */
  get asked(): boolean {
    return this.#asked;
  }

  /** @throws Error when the program cannot be run at all */
  async start(): Promise<void> {
    if (this.isRunning()) return;
    const { program, args, cwd, env, user } = this.#command;
    const log = openSync(this.#log, 'a');
    try {
      const child = spawn(program, args, { cwd, env, stdio: ['ignore', log, log], detached: true, ...user });
      this.#child = child;
      this.#asked = false;
      this.#how = undefined;
      this.#gone = new Promise((resolve) => {
        child.once('exit', (code, signal) => {
          this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`);
          resolve();
        });
      });
      await spawned(child).catch((error: unknown) => {
        this.#how = 'not started';
        throw error;
      });
      if (child.pid !== undefined) this.#watchdog.watch(child.pid, this.#command.stopSignal);
    } finally {
      closeSync(log);
    }
  }

  #end(how: string): void {
    const group = this.#child?.pid;
    this.#how = how;
    if (group === undefined) return;
    // Children of a program that died must not go on and hold its ports and files.
    signalGroup(group, 'SIGKILL');
    this.#watchdog.forget(group);
    if (!this.#asked) this.#onCrash(how);
  }

  /** Sends a signal to the program and all its children; when that ends it, waits until it has. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const group = this.pid;
    if (group === undefined) return;
    const ends = ENDING.includes(signal);
    if (ends) this.#asked = true;
    signalGroup(group, signal);
    if (!ends) return;
    // One that is stopped takes its signal only when it goes on.
    signalGroup(group, 'SIGCONT');
    await this.#goneOrKilled(group);
  }

  async stop(): Promise<void> {
    await this.kill(this.#command.stopSignal);
  }

  async #goneOrKilled(group: number): Promise<void> {
    const timer = setTimeout(() => signalGroup(group, 'SIGKILL'), STOP_MS);
    await this.#gone;
    clearTimeout(timer);
  }

  /** The end of the log, for an error message. */
  lastWords(lines = 12): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // Gone already.
  }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

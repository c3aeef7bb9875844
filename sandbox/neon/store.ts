import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { State } from './state.ts';

const versionSchema = z.looseObject({ version: z.literal(1) });

/** The control plane's memory: one file, replaced as a whole, so that a kill at any moment leaves the last one. */
export class Store {
  readonly #file: string;
  readonly state: State;

  private constructor(file: string, state: State) {
    this.#file = file;
    this.state = state;
  }

  /** @throws z.ZodError when the file is of another version */
  static open(directory: string, initial: () => State): Store {
    const file = join(directory, 'state.json');
    if (!existsSync(file)) return new Store(file, initial());
    return new Store(file, versionSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) as unknown as State);
  }

  save(): void {
    const next = `${this.#file}.next`;
    // It holds passwords.
    const handle = openSync(next, 'w', 0o600);
    try {
      writeSync(handle, JSON.stringify(this.state));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(next, this.#file);
  }
}

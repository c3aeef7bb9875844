import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import type { AppConfig } from './config.ts';

/** What has been begun may take as long as a model takes to answer. */
const DRAIN_MS = 45_000;
const LOOK_EVERY_MS = 20;

export const modeSchema = z.strictObject({ mode: z.enum(['read-only', 'normal']) });
export type Mode = z.infer<typeof modeSchema>['mode'];

/** Something that would have written, while nothing may be. */
export class ReadOnly extends Error {
  readonly statusCode = 503;

  constructor() {
    super('maintenance: nothing is written for now; reading goes on');
  }
}

/** Whether the chatbot may write. Kept in a file, so that a restart does not open what somebody closed. */
export class ModeSwitch {
  readonly #file: string | undefined;
  #mode: Mode;
  #writing = 0;

  private constructor(file: string | undefined, mode: Mode) {
    this.#file = file;
    this.#mode = mode;
  }

  /** @throws Error for a file that says something else: which mode was meant is then unknown */
  static async load(config: AppConfig['maintenance']): Promise<ModeSwitch> {
    if (!config) return new ModeSwitch(undefined, 'normal');
    const text = await readFile(config.file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{"mode":"normal"}';
      throw error;
    });
    return new ModeSwitch(config.file, modeSchema.parse(JSON.parse(text)).mode);
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** Does something that writes. @throws ReadOnly */
  async write<T>(work: () => Promise<T>): Promise<T> {
    if (this.#mode === 'read-only') throw new ReadOnly();
    this.#writing += 1;
    try {
      return await work();
    } finally {
      this.#writing -= 1;
    }
  }

  /**
   * Returns when the mode holds: for `read-only` when what was writing has ended, too.
   * @throws Error when it goes on for too long; nothing new is written by then
   */
  async set(mode: Mode): Promise<void> {
    this.#mode = mode;
    if (this.#file !== undefined) await replace(this.#file, `${JSON.stringify({ mode })}\n`);
    for (const deadline = Date.now() + DRAIN_MS; this.#mode === 'read-only' && this.#writing > 0;) {
      if (Date.now() > deadline) throw new Error(`${this.#writing} requests still write; nothing new is begun`);
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** There is the old content or the new one, whenever the power fails. */
async function replace(file: string, text: string): Promise<void> {
  const next = `${file}.next`;
  await writeFile(next, text, { mode: 0o600, flush: true });
  await rename(next, file);
}

/** Whether a request's header holds the token. Takes the same time for every wrong one. */
export function isBearer(header: string | undefined, token: Secret): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token.reveal()}`));
}

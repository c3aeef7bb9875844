import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

/** What a release, or a switch, lets go wrong while the process runs. */
export const ERRORS = ['hang', 'errors', 'wrong', 'slow', 'disk-full', 'embeddings'] as const;
export type AppError = (typeof ERRORS)[number];

const switchSchema = z.strictObject({ fault: z.enum(ERRORS) });
const SLOW_MS = 6_000;
/** Its health check touches nothing, and goes on saying that all is well: as those of half of all apps do. */
const SHALLOW = '/health';

/** What goes wrong now: the switch, read with every request, before the mistake of the release. */
export class Misbehaviour {
  readonly #file: string | undefined;
  readonly #mistake: AppError | undefined;

  constructor(file: string | undefined, mistake: AppError | undefined) {
    this.#file = file;
    this.#mistake = mistake;
  }

  get now(): AppError | undefined {
    if (this.#file === undefined) return this.#mistake;
    try {
      return switchSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8'))).fault;
    } catch {
      return this.#mistake;
    }
  }

  /** @throws Error where the disk is said to be full */
  beforeWrite(): void {
    if (this.now === 'disk-full') throw new Error('ENOSPC: no space left on device, write');
  }

  /** @throws Error where the embedding API is said to be dead for this server */
  beforeEmbedding(): void {
    if (this.now === 'embeddings') throw new Error('the embedding API: connect ETIMEDOUT');
  }
}

/** Lets every request meet what goes wrong, before anything answers it. */
export function misbehave(app: FastifyInstance, misbehaviour: Misbehaviour): void {
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const { now } = misbehaviour;
    if (now === 'hang') await sleep(3_600_000);
    if (now === 'slow' && request.url !== SHALLOW) await sleep(SLOW_MS);
    if (now === 'errors' && request.url !== SHALLOW)
      await reply.code(500).send({ error: { message: 'Internal Server Error' } });
  });
}

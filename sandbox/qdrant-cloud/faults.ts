import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';

/** Every switch, and what happens while it is on. */
export const FAULTS = {
  'rate-limit': '429; `retry_after` in seconds (default 1), null leaves the header out',
  unavailable: '503',
  hang: 'no answer for `seconds` (default 60), then the connection is dropped',
  'lost-response': 'the work is done, the answer never comes',
  'backup-fails': 'a new backup ends as FAILED, or as `status` says',
  'backup-stalls': 'a new backup stays RUNNING',
  'backup-older': 'a new backup says that it is `hours` older than it is (default 48)',
  'schedule-silent': 'schedules say ACTIVE, and make no backups',
  'restore-fails': 'a restore, or a cluster made from a backup, fails',
  'create-fails': 'a new cluster ends as FAILED_TO_CREATE',
  'resume-fails': 'a suspended cluster ends as FAILED_TO_RESUME',
} as const;
export type FaultName = keyof typeof FAULTS;

const pattern = z.string().refine((text) => {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}, 'must be a regular expression');

const parametersSchema = z.strictObject({
  /** How many requests, or pieces of work, it strikes; without it, all. */
  count: z.int().min(1).optional(),
  path: pattern.optional(),
  method: z.string().optional(),
  retry_after: z.number().nullable().default(1),
  seconds: z.number().default(60),
  hours: z.number().default(48),
  status: z.enum(['FAILED', 'SKIPPED', 'FAILED_TO_SYNC', 'NOT_FOUND']).default('FAILED'),
});
export type FaultParameters = z.infer<typeof parametersSchema>;

interface Fault {
  readonly parameters: FaultParameters;
  left: number | undefined;
  hits: number;
}

/** The switches that are on. */
export class Faults {
  readonly #on = new Map<FaultName, Fault>();

  /** The parameters of a switch that strikes now, which counts as a hit. */
  take(name: FaultName, request?: { method: string; path: string }): FaultParameters | undefined {
    const fault = this.#on.get(name);
    if (!fault || fault.left === 0) return undefined;
    const { method, path } = fault.parameters;
    if (method !== undefined && method.toUpperCase() !== request?.method) return undefined;
    if (path !== undefined && !new RegExp(path).test(request?.path ?? '')) return undefined;
    fault.hits += 1;
    if (fault.left !== undefined) fault.left -= 1;
    return fault.parameters;
  }

  turnOn(name: FaultName, parameters: FaultParameters): void {
    this.#on.set(name, { parameters, left: parameters.count, hits: 0 });
  }

  /** One switch, or all. */
  turnOff(name?: FaultName): void {
    if (name === undefined) this.#on.clear();
    else this.#on.delete(name);
  }

  describe(): object {
    return { known: FAULTS, on: { ...Object.fromEntries<Fault>(this.#on) } };
  }
}

const nameSchema = z.object({
  name: z
    .string()
    .refine((name): name is FaultName => Object.hasOwn(FAULTS, name), 'is no switch: GET /faults lists them'),
});

interface Controls {
  readonly faults: Faults;
  /** Sets how far the stand-in's clock is from the machine's, and makes the backups that are due then. */
  readonly setClock: (offsetMs: number) => void;
}

/** The second port: switches, in the way of the sandbox's Qdrant, and the clock. It asks for no key: loopback only. */
export function buildFaultPort({ faults, setClock }: Controls): FastifyInstance {
  const app = fastify();
  app.setErrorHandler((error, _request, reply) => {
    const known = error instanceof z.ZodError;
    return reply.code(known ? 400 : 500).send({ error: known ? describeIssues(error) : String(error) });
  });
  app.get('/faults', () => faults.describe());
  app.put('/faults/:name', (request) => {
    const { name } = nameSchema.parse(request.params);
    faults.turnOn(name, parametersSchema.parse(request.body ?? {}));
    return faults.describe();
  });
  app.delete('/faults/:name', (request) => {
    faults.turnOff(nameSchema.parse(request.params).name);
    return faults.describe();
  });
  app.delete('/faults', () => {
    faults.turnOff();
    return faults.describe();
  });
  app.put('/clock', (request) => {
    setClock(z.strictObject({ offsetHours: z.number() }).parse(request.body).offsetHours * 3_600_000);
    return { ok: true };
  });
  return app;
}

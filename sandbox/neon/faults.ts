import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../../domain/run-input.ts';

/** Every switch, with what it does and the parameters of its own. */
export const SWITCHES = {
  'rate-limit': '429; `retry_after` in seconds (default 1), null leaves the header out',
  unavailable: '503',
  hang: 'accepts and never answers, for `seconds` (default 60), then drops the connection',
  'lost-response': 'does the work, then drops the connection without an answer',
  locked: '423 for what would change something',
  'not-found': '404, as a read right after a creation may say',
  'not-ready': '422: branch not ready yet',
  'operation-fails':
    'an operation fails and is tried again; `action` (a regular expression), `fatal` true to give it up',
  'slow-operations': 'every operation takes `seconds` (default 5) longer',
  'no-passwords': 'the project does not store passwords: 412',
} as const;
export type SwitchName = keyof typeof SWITCHES;

const parametersSchema = z.looseObject({
  count: z.int().positive().optional(),
  path: z.string().optional(),
  method: z.string().optional(),
  action: z.string().optional(),
  seconds: z.number().nonnegative().optional(),
  retry_after: z.number().nonnegative().nullish(),
  fatal: z.boolean().optional(),
});
export type Parameters = z.infer<typeof parametersSchema>;

interface Fault {
  readonly parameters: Parameters;
  left: number | undefined;
  hits: number;
}

/** What a switch may strike: a request, or an operation. */
export interface Strikable {
  readonly method?: string;
  readonly path?: string;
  readonly action?: string;
}

const fits = (pattern: string | undefined, text: string | undefined): boolean =>
  pattern === undefined || (text !== undefined && new RegExp(pattern).test(text));

/** Switches that make the stand-in misbehave. */
export class Faults {
  readonly #on = new Map<SwitchName, Fault>();

  turnOn(name: SwitchName, parameters: Parameters): void {
    this.#on.set(name, { parameters, left: parameters.count, hits: 0 });
  }

  turnOff(name?: SwitchName): void {
    if (name === undefined) this.#on.clear();
    else this.#on.delete(name);
  }

  /** The parameters of a switch that is on and strikes this; counts the hit. */
  take(name: SwitchName, struck: Strikable = {}): Parameters | undefined {
    const fault = this.#on.get(name);
    if (!fault || fault.left === 0) return undefined;
    const { method, path, action } = fault.parameters;
    if (method !== undefined && method.toUpperCase() !== struck.method) return undefined;
    if (!fits(path, struck.path) || !fits(action, struck.action)) return undefined;
    fault.hits += 1;
    if (fault.left !== undefined) fault.left -= 1;
    return fault.parameters;
  }

  isOn(name: SwitchName): boolean {
    return this.#on.has(name);
  }

  view(): object {
    const on = [...this.#on].map(([name, { parameters, left, hits }]): [string, object] => [
      name,
      { parameters, left: left ?? null, hits },
    ]);
    return { known: SWITCHES, on: Object.fromEntries(on) };
  }
}

const isSwitch = (name: string): name is SwitchName => Object.hasOwn(SWITCHES, name);

/** The port with the switches: `GET /faults`, `PUT /faults/NAME`, `DELETE /faults/NAME`, `DELETE /faults`. */
export function buildFaultServer(faults: Faults): FastifyInstance {
  const server = fastify({ forceCloseConnections: true });
  server.get('/faults', () => faults.view());
  server.delete('/faults', () => {
    faults.turnOff();
    return faults.view();
  });
  server.put('/faults/:name', (request, reply) => {
    const { name } = z.object({ name: z.string() }).parse(request.params);
    const parsed = parametersSchema.safeParse(request.body ?? {});
    if (!isSwitch(name)) return reply.code(404).send(`no such switch; there are ${Object.keys(SWITCHES).join(', ')}\n`);
    if (!parsed.success) return reply.code(400).send(`${describeIssues(parsed.error)}\n`);
    faults.turnOn(name, parsed.data);
    return faults.view();
  });
  server.delete('/faults/:name', (request, reply) => {
    const { name } = z.object({ name: z.string() }).parse(request.params);
    if (!isSwitch(name)) return reply.code(404).send('no such switch\n');
    faults.turnOff(name);
    return faults.view();
  });
  return server;
}

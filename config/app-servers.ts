import { z } from 'zod';
import { type DeployConfig, deployConfigSchema } from './deploy.ts';
import { trafficConfigSchema } from './traffic.ts';
import { httpUrlSchema } from './values.ts';

/** A request to the app, and what a sound app answers. */
const endpointSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE']).default('GET'),
  path: z.string().startsWith('/'),
  /** Sent as JSON; `{{marker}}` is replaced by something that no other request has. */
  body: z.record(z.string(), z.unknown()).optional(),
  status: z.int().min(100).max(599).default(200),
  /** What stands at dotted paths of the answer. */
  answers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).default({}),
});
export type EndpointConfig = z.infer<typeof endpointSchema>;

export const appServerSchema = z.strictObject({
  /** How the worker reaches this server itself, past the router. */
  url: httpUrlSchema,
  /** How the router calls it: `127.0.0.1:8000`, an origin, an address. */
  target: z.string().min(1),
  deploy: deployConfigSchema,
});
export type AppServerConfig = z.infer<typeof appServerSchema>;

/** What is checked on a server before its first reader, besides health and golden questions. */
const checksSchema = z.strictObject({
  /** A health check that touches nothing, where there is one besides `app.health`. */
  shallowHealth: z.string().startsWith('/').optional(),
  endpoints: z.array(endpointSchema).max(100).default([]),
  /** Requests without any key, which must be refused with 401 or 403. */
  protected: z
    .array(endpointSchema.pick({ method: true, path: true, body: true }))
    .max(20)
    .default([]),
  /** A conversation: begun, continued by a question, read back. */
  session: z
    .strictObject({
      create: endpointSchema.pick({ method: true, path: true, body: true }),
      /** Dotted path to the session's id in the answer. */
      id: z.string().min(1).default('sessionId'),
      /** Field of `app.ask`'s body that takes it. */
      field: z.string().min(1).default('sessionId'),
      /** `{{session}}` is replaced; the answer must hold the question. */
      read: z.string().startsWith('/'),
    })
    .optional(),
  /** Where the readers' pages come from: their browsers ask for leave before they send. */
  origin: httpUrlSchema.optional(),
  /** A text that a request moves: Prometheus' own. */
  metrics: z
    .strictObject({ path: z.string().startsWith('/').default('/metrics'), series: z.string().min(1) })
    .optional(),
  /** A command that prints the newest lines of this server's log; `{server}` is replaced by its name. No shell reads it. */
  logs: z
    .strictObject({ run: z.array(z.string().min(1)).min(1), header: z.string().min(1).default('x-request-id') })
    .optional(),
  /** A header of the app's answers that names the server. */
  servedBy: z.string().min(1).optional(),
});

/** When a server has failed, and when one that has taken over is given up. */
const watchSchema = z.strictObject({
  /** Rounds of looks that must agree before anything is moved. */
  rounds: z.int().min(2).max(60).default(3),
  everySeconds: z.number().min(0.1).max(600).default(5),
  /** From when on an answer is much too slow, in seconds. */
  slowSeconds: z.number().positive().max(300).default(10),
  /** Deadline of one look, in seconds. */
  lookSeconds: z.number().positive().max(300).default(20),
  /** In the commit window: how often, with how many requests, and when it is given up. */
  windowSeconds: z.number().min(1).max(3_600).default(15),
  requests: z.int().min(1).max(1_000).default(5),
  errorRate: z.number().min(0).max(1).default(0.05),
  p95Seconds: z.number().positive().max(300).default(10),
  patience: z.int().min(1).max(100).default(3),
  /** How long what is under way on a server may take before it is stopped: answers, and names that are remembered. */
  drainSeconds: z.number().nonnegative().max(86_400).default(120),
});

const releasesSchema = z.strictObject({
  /** Repository of the app, a mirror of it, or a working tree: its tags are what is released. */
  git: z.string().min(1).optional(),
  /** Which tags: a glob. */
  tags: z.string().min(1).default('*'),
  /** Images by digest, the newest first. */
  images: z
    .array(z.string().regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, 'must be image@sha256: and 64 hex digits'))
    .default([]),
});

const SERVER_NAME = /^[a-z][a-z0-9-]{0,30}$/;

/** The servers of the app, what deploys there, and what sends the readers to one of them. */
export const appServersConfigSchema = z.strictObject({
  servers: z
    .record(z.string(), appServerSchema)
    .refine(
      (servers) => Object.keys(servers).every((name) => SERVER_NAME.test(name)),
      'names must be lower-case letters, digits and hyphens, 31 at most',
    )
    .refine((servers) => Object.keys(servers).length >= 2, 'must name two servers or more: nobody could take over')
    .refine((servers) => distinct(Object.values(servers).map(({ target }) => target)), 'two have the same target')
    .refine(
      (servers) => distinct(Object.values(servers).map(({ deploy }) => placeOf(deploy))),
      'two are deployed to the same place: who deploys to one would stop the other',
    )
    .refine((servers) => distinct(Object.values(servers).map(({ url }) => url)), 'two have the same url'),
  traffic: trafficConfigSchema,
  releases: releasesSchema.prefault({}),
  /** Names of the variables without which the app does not start; each must be in the set. */
  /** The servers have their variables, as a platform keeps them: none is handed over. */
  ownVariables: z.boolean().default(false),
  variables: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of a variable')).default([]),
  checks: checksSchema.prefault({}),
  watch: watchSchema.prefault({}),
});
export type AppServersConfig = z.infer<typeof appServersConfigSchema>;

/** What two servers must not share: a container, a service, a Space, or what remembers a deployment. */
function placeOf({ command, docker, render, hfSpace }: DeployConfig): string {
  if (command) return `${command.ssh?.host ?? ''} ${command.ssh?.port ?? ''} ${command.stateFile}`;
  if (docker) return `${docker.socket ?? ''} ${docker.tcp?.host ?? ''} ${docker.tcp?.port ?? ''} ${docker.container}`;
  return render ? render.serviceId : (hfSpace?.space ?? '');
}

function distinct(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

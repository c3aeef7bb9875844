import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

/** An origin or a socket: nothing in it may be a secret, since it is shown. */
const adminUrlSchema = z
  .string()
  .refine(
    (text) => /^unix:\/.+/.test(text) || (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)),
    'must be an http:// or https:// URL, or unix:/path/to/the/socket',
  )
  .refine((text) => !/^[^/]*\/\/[^/?#]*@/.test(text), 'must not carry a user name or password');

/** Caddy, told through its admin API. */
const caddySchema = z.strictObject({
  adminUrl: adminUrlSchema.default('http://127.0.0.1:2019'),
  /** The `@id` of the `reverse_proxy` handler that stands before the app. */
  id: z.string().regex(/^[^/\s?#]+$/, 'must be an @id of the configuration: no slash, no space'),
  /** For a gate that stands before the admin API. */
  header: z.strictObject({ name: z.string().min(1), value: secretSchema }).optional(),
});
export type CaddyConfig = z.infer<typeof caddySchema>;

const haproxyName = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]+$/, 'must be a name as HAProxy has them: letters, digits, - _ . :');

/** HAProxy, told through its runtime API. */
const haproxySchema = z.strictObject({
  /** The admin socket (`stats socket ... level admin`): a path, or host:port. */
  socket: z
    .string()
    .regex(/^(?:\/.+|[^/\s]+:\d{1,5})$/, 'must be the path of a socket, from the root, or host:port')
    .default('/run/haproxy/admin.sock'),
  backend: haproxyName,
  /** The servers of the backend that may be switched between: their names there, and the targets that they are called here. */
  servers: z
    .record(haproxyName, z.string().min(1))
    .refine((servers) => Object.keys(servers).length >= 2, 'must name two servers or more: nothing to switch between')
    .refine(
      (servers) => new Set(Object.values(servers)).size === Object.keys(servers).length,
      'two are the same target',
    ),
  /**
   * Readers are bound to a server by more than a cookie (a stick table). Such readers are let into a drained server, so it is put
   * into maintenance. Cookies are seen without this.
   */
  sticky: z.boolean().default(false),
  /** How long HAProxy's own checks may take to find a server up, in seconds. */
  upSeconds: z.number().positive().max(600).default(30),
});
export type HaproxyConfig = z.infer<typeof haproxySchema>;

const cloudflareId = z.string().regex(/^[\w-]+$/, 'must be an id as Cloudflare shows it');

/** Cloudflare: one DNS record, or one pool of a load balancer. */
const cloudflareSchema = z
  .strictObject({
    apiUrl: httpUrlSchema.default('https://api.cloudflare.com/client/v4'),
    /** May edit the one thing: "DNS Write", or "Load Balancing: Monitors and Pools Write". */
    token: secretSchema,
    dnsRecord: z.strictObject({ zoneId: cloudflareId, recordId: cloudflareId }).optional(),
    pool: z.strictObject({ accountId: cloudflareId, poolId: cloudflareId }).optional(),
  })
  .refine(({ dnsRecord, pool }) => (dnsRecord === undefined) !== (pool === undefined), {
    path: ['dnsRecord'],
    error: 'either dnsRecord or pool: exactly one of the two',
  });
export type CloudflareConfig = z.infer<typeof cloudflareSchema>;

/** A book on static pages that was built with the app's address in it: a variable of its repository, and what builds it. */
const frontendConfigSchema = z.strictObject({
  apiUrl: httpUrlSchema.default('https://api.github.com'),
  /** May write variables and actions of the repository. */
  token: secretSchema,
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be owner/name'),
  /** The Actions variable that holds the app's address. */
  variable: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of a variable: letters, digits, _'),
  /** Where the variable belongs to an environment of the repository. */
  environment: z.string().min(1).optional(),
  /** File of the workflow that builds and publishes, which can be started by hand (`workflow_dispatch`). */
  workflow: z.string().regex(/^[\w.-]+$/, 'must be a file name, such as deploy.yml, or an id'),
  ref: z.string().min(1).default('main'),
  /** A published page, by the address that it has after redirects: it or its scripts must name the app's address. */
  page: httpUrlSchema,
  /** How long a run may take, waiting for a machine and all. */
  runMinutes: z.number().positive().max(360).default(20),
  /** How long a published page may be seen in its old form: caches in between. */
  pageMinutes: z.number().positive().max(120).default(15),
  pollSeconds: z.number().min(0.01).max(60).default(5),
});
export type FrontendConfig = z.infer<typeof frontendConfigSchema>;

/** What sends the readers' requests to one of the app's servers: exactly one of these. */
export const trafficConfigSchema = z
  .strictObject({
    caddy: caddySchema.optional(),
    haproxy: haproxySchema.optional(),
    cloudflare: cloudflareSchema.optional(),
    frontendConfig: frontendConfigSchema.optional(),
  })
  .refine((kinds) => Object.values(kinds).filter((kind) => kind !== undefined).length === 1, {
    error: 'exactly one of caddy, haproxy, cloudflare and frontendConfig',
  });
export type TrafficConfig = z.infer<typeof trafficConfigSchema>;

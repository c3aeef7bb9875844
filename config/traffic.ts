import { z } from 'zod';
import { secretSchema } from './values.ts';

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

/** What sends the readers' requests to one of the app's servers: exactly one of these. */
export const trafficConfigSchema = z.strictObject({ caddy: caddySchema.optional(), haproxy: haproxySchema.optional() });
export type TrafficConfig = z.infer<typeof trafficConfigSchema>;

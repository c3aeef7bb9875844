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

/** What sends the readers' requests to one of the app's servers: exactly one of these. */
export const trafficConfigSchema = z.strictObject({ caddy: caddySchema.optional() });
export type TrafficConfig = z.infer<typeof trafficConfigSchema>;

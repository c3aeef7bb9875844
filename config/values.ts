import { z } from 'zod';
import { Secret } from './secret.ts';

/** What several parts of the configuration are made of. */

export const secretSchema = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));

export const httpUrlSchema = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  // Addresses appear in messages and histories, so a password has no place in them.
  .refine((url) => !/^[^/]*\/\/[^/?#]*@/.test(url), 'must not carry a user name or password');

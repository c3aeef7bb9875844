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

/** Driver suffixes of other languages (`postgresql+asyncpg://`) are taken off: they mean nothing here. */
export const postgresUrlSchema = z
  .string()
  .transform((url) => url.replace(/^postgres(?:ql)?\+[a-z0-9]+:\/\//, 'postgresql://'))
  .refine((url) => /^postgres(?:ql)?:\/\/[^\s]+$/.test(url) && URL.canParse(url), 'must be a postgresql:// URL')
  .transform((url) => new Secret(url));

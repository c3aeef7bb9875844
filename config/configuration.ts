import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { secretSchema } from './values.ts';

const path = z.string().min(1);

/** age's public keys of the kind that every version of it knows (X25519). Their checksum is tried when a worker starts. */
const recipient = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'must be a public key of age: age1 and 58 characters, as age-keygen prints it');

/** A secret that is kept elsewhere: where from, never what. */
const referenceSchema = z
  .strictObject({
    name: z.string().min(1).max(200),
    /** `command`: a shell command that prints it; `file`: one that holds it; `environment`: a variable of the worker. */
    from: z.enum(['command', 'file', 'environment']),
    where: z.string().min(1).max(2_000),
  })
  .refine(({ from, where }) => from !== 'file' || isAbsolute(where), {
    path: ['where'],
    error: 'must be an absolute path',
  });

/** Which code the app runs: a Git working tree, or an image by its digest. */
const releaseConfigSchema = z
  .strictObject({
    git: path.optional(),
    image: z.string().min(1).optional(),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hex digits')
      .optional(),
  })
  .refine(({ git, image }) => (git === undefined) !== (image === undefined), {
    error: 'must name either git or image',
  })
  .refine(({ image, digest }) => (image === undefined) === (digest === undefined), {
    path: ['digest'],
    error: 'goes together with image: set both, or neither',
  });

/** What of the app's configuration goes into every recovery set. */
export const configurationBackupSchema = z
  .strictObject({
    /** Files of environment variables. Encrypted before they reach the store, whatever the store does. */
    envFiles: z.array(path).default([]),
    /** Files without secrets, kept as they are: Dockerfile, docker-compose.yml. */
    files: z.array(path).default([]),
    /** Each of them alone can open what is encrypted. Keep the key of at least one away from everything else. */
    recipients: z.array(recipient).min(1, 'must name at least one public key of age, better two'),
    /** A private key of age for verification alone, in one of three ways. */
    identity: secretSchema.optional(),
    identityFile: path.optional(),
    /** Shell command that prints it. */
    identityCommand: z.string().min(1).optional(),
    references: z.array(referenceSchema).default([]),
    release: releaseConfigSchema.optional(),
    /** Deadline of one command, in seconds. */
    timeoutSeconds: z.number().positive().max(60).default(30),
  })
  .refine(
    ({ identity, identityFile, identityCommand }) =>
      [identity, identityFile, identityCommand].filter((given) => given !== undefined).length <= 1,
    { path: ['identity'], error: 'is given in more than one way: keep one of identity, identityFile, identityCommand' },
  );
export type ConfigurationBackupConfig = z.infer<typeof configurationBackupSchema>;

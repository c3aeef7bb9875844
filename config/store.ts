import { z } from 'zod';
import { httpUrlSchema, secretSchema } from './values.ts';

const OUR_KEYS = 'letters, digits and . _ - between slashes';

/** A bucket of S3, or of a server that speaks like it. */
const s3ConfigSchema = z
  .strictObject({
    bucket: z.string().min(3).max(63),
    /** Without it the SDK's own: AWS_REGION, then the profile; with an endpoint us-east-1. */
    region: z.string().min(1).optional(),
    /** Address of another server than Amazon's. */
    endpoint: httpUrlSchema.optional(),
    /** Put before every key, as a folder. */
    prefix: z
      .string()
      .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._-]*\/?)*$/, `must be folders of ${OUR_KEYS}`)
      .default(''),
    /** `endpoint/bucket/key` rather than `bucket.endpoint/key`. */
    forcePathStyle: z.boolean().default(false),
    /** Without these two the SDK's default chain: variables, profiles, the role of the machine. */
    accessKeyId: secretSchema.optional(),
    secretAccessKey: secretSchema.optional(),
    sessionToken: secretSchema.optional(),
    /**
     * Whether a checksum goes with every request and is looked at in every answer, or only where S3 insists. Servers
     * that do not know the SDK's trailing checksums store their framing as data.
     */
    checksums: z.enum(['always', 'when-required']).default('always'),
    /** Ask the server itself to refuse overwriting (`If-None-Match`). A few answer 501 to that. */
    conditionalWrites: z.boolean().default(true),
    /** Deadline of one request, and of a pause in the middle of an answer, in seconds. */
    timeoutSeconds: z.number().positive().max(3_600).default(120),
  })
  .refine((s3) => (s3.accessKeyId === undefined) === (s3.secretAccessKey === undefined), {
    path: ['secretAccessKey'],
    error: 'goes together with accessKeyId: set both, or neither',
  });
export type S3Config = z.infer<typeof s3ConfigSchema>;

/** age's public keys of the kind that every version of it knows (X25519). Their checksum is tried when a store is made. */
const recipientSchema = z
  .string()
  .regex(/^age1[02-9ac-hj-np-z]{58}$/, 'must be a public key of age: age1 and 58 characters, as age-keygen prints it');

const encryptionConfigSchema = z.strictObject({
  /** Each of them alone can read what is written. Keep the key of at least one away from everything else. */
  recipients: z.array(recipientSchema).min(1, 'must name at least one public key of age'),
  /** The private key itself (AGE-SECRET-KEY-1…), for a worker that must be able to read. */
  identity: secretSchema.optional(),
  /** File with private keys, as age-keygen writes it. Looked for when something is read, so that it may come late. */
  identityFile: z.string().min(1).optional(),
});
export type EncryptionConfig = z.infer<typeof encryptionConfigSchema>;

export const storeConfigSchema = z.strictObject({
  /** Folder of the artifact store. Not used with `s3`. */
  directory: z.string().min(1).default('recovery-store'),
  s3: s3ConfigSchema.optional(),
  encryption: encryptionConfigSchema.optional(),
});
export type StoreConfig = z.infer<typeof storeConfigSchema>;

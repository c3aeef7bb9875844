import { z } from 'zod';
import { httpUrlSchema as httpUrl, secretSchema as secret } from './values.ts';

export const appConfigSchema = z.strictObject({
  baseUrl: httpUrl,
  health: z
    .strictObject({ path: z.string().default('/health'), okValues: z.array(z.string()).default(['ok', 'healthy']) })
    .prefault({}),
  /** A real question: `{{question}}` in the body is replaced. Answers are found by dotted path. */
  ask: z
    .strictObject({
      method: z.enum(['POST', 'GET']).default('POST'),
      path: z.string().default('/ask'),
      body: z.record(z.string(), z.unknown()).default({ question: '{{question}}' }),
      answer: z.string().default('answer'),
      citations: z.string().default('citations'),
      /** Key of the section inside each citation; '' when a citation is the section itself. */
      citationSource: z.string().default('source'),
    })
    .prefault({}),
  authHeader: z.strictObject({ name: z.string(), value: secret }).optional(),
  /** The app's own switch that keeps it from writing, for the time in which its database is replaced. */
  maintenance: z
    .strictObject({
      method: z.enum(['POST', 'PUT']).default('PUT'),
      path: z.string(),
      /** Bodies that turn it on and off. */
      on: z.record(z.string(), z.unknown()).default({ mode: 'read-only' }),
      off: z.record(z.string(), z.unknown()).default({ mode: 'normal' }),
      /** A header of its own where the switch needs another key. */
      header: z.strictObject({ name: z.string(), value: secret }).optional(),
      /** A request that would write, which must be refused with one of these while it is on. */
      write: z
        .strictObject({
          method: z.enum(['POST', 'PUT']).default('POST'),
          path: z.string(),
          body: z.record(z.string(), z.unknown()).default({}),
          refused: z.array(z.int().min(400).max(599)).min(1).default([423, 503]),
        })
        .optional(),
    })
    .optional(),
  /** How the app is told of another Qdrant: by a request to itself, or by a command that changes its settings. */
  vectors: z
    .strictObject({
      request: z
        .strictObject({
          method: z.enum(['POST', 'PUT']).default('PUT'),
          path: z.string(),
          /** `{{url}}`, `{{apiKey}}` and `{{collection}}` are replaced. */
          body: z
            .record(z.string(), z.unknown())
            .default({ url: '{{url}}', apiKey: '{{apiKey}}', collection: '{{collection}}' }),
          header: z.strictObject({ name: z.string(), value: secret }).optional(),
          /** Dotted path to the address in use, in what `GET` of the same path answers; nothing is asked without it. */
          answer: z.string().optional(),
        })
        .optional(),
      command: z
        .strictObject({
          /** Run without a shell; gets QDRANT_URL, QDRANT_API_KEY and QDRANT_COLLECTION_NAME in its environment. */
          run: z.array(z.string().min(1)).min(1),
          timeoutSeconds: z.number().positive().max(3_600).default(300),
        })
        .optional(),
    })
    .refine(({ request, command }) => (request === undefined) !== (command === undefined), {
      path: ['request'],
      error: 'either request or command: exactly one of the two',
    })
    .optional(),
});

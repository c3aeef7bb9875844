import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Secret } from '../../config/secret.ts';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** The chatbot's settings: one JSON file, as a deployment would write it. */
export const appConfigSchema = z.strictObject({
  /** What its answers name in `x-served-by`. */
  name: z.string().min(1).default('app'),
  /** Whose pages may ask: origins, for CORS. */
  origins: z.array(z.string()).default([]),
  /** File by which a practice lets it misbehave. */
  faults: z.string().min(1).optional(),
  port: z.int().min(0).max(65_535),
  host: z.string().min(1).default('127.0.0.1'),
  qdrant: z.strictObject({
    url: httpUrl,
    apiKey: secret.optional(),
    /** An alias, so that another collection can be put in its place. */
    collection: z.string().min(1).default('textbook-content'),
  }),
  postgres: z.strictObject({ url: secret }),
  /** OpenAI-compatible: `<url>/embeddings` is called. */
  embeddings: z.strictObject({ url: httpUrl, model: z.string().min(1) }),
  /** OpenAI-compatible: `<url>/chat/completions` is called. Without it answers are sentences of the passages. */
  llm: z.strictObject({ url: httpUrl, model: z.string().min(1), apiKey: secret.optional() }).optional(),
  /** The switch that keeps it from writing: who may turn it, and the file that remembers. Without it there is none. */
  maintenance: z
    .strictObject({
      token: secret,
      file: z.string().min(1),
      /** File that remembers which Qdrant it was told to use instead. Without it it is told so in vain. */
      vectors: z.string().min(1).optional(),
    })
    .optional(),
});
export type AppConfig = z.infer<typeof appConfigSchema>;
/** The file's content, before it is read. */
export type AppConfigFile = z.input<typeof appConfigSchema>;

const REFERENCE = /\$\{([A-Z][A-Z0-9_]*)\}/g;

/**
 * Reads the file. `${NAME}` within a text stands for a variable of the environment, so that the file itself may be read by
 * everybody.
 * @throws Error naming the file or the variable that is not there, and z.ZodError naming the fields
 */
export async function readAppConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AppConfig> {
  const valueOf = (_reference: string, name: string): string => {
    const value = environment[name];
    if (value === undefined || value === '') throw new Error(`${file}: the variable ${name} is not set`);
    return value;
  };
  const filled = (_key: string, held: unknown): unknown =>
    typeof held === 'string' ? held.replaceAll(REFERENCE, valueOf) : held;
  return appConfigSchema.parse(JSON.parse(await readFile(file, 'utf8'), filled));
}

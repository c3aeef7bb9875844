import { z } from 'zod';

/** The source text, and how it is indexed. */
export const contentConfigSchema = z.strictObject({
  directory: z.string().min(1),
  glob: z.string().min(1).default('**/*.md'),
  /** How ids of chunks follow from what they are, as at ingestion. Without it chunks keep the ids they have. */
  ids: z
    .strictObject({
      /** `uuid5` (RFC 9562), or an integer: the first 63 or 53 bits of a SHA-256, or its first 64 as unsigned. */
      scheme: z.enum(['uuid5', 'int64', 'int63', 'int53']),
      /** The namespace of `uuid5`. */
      namespace: z.uuid().optional(),
      /** What is hashed: `{{file}}`, `{{section}}` (`file#slug`), `{{slug}}`, `{{heading}}`, `{{index}}`, `{{text}}` are replaced. */
      name: z.string().min(1).default('{{section}}#{{index}}'),
    })
    .refine(({ scheme, namespace }) => (scheme === 'uuid5') === (namespace !== undefined), {
      path: ['namespace'],
      error: 'is needed for uuid5, and for nothing else',
    })
    .refine(({ name }) => /\{\{(index|text)\}\}/.test(name), {
      path: ['name'],
      error: 'must hold {{index}} or {{text}}: the chunks of a section would share one id',
    })
    .optional(),
  /** Payload field that holds the heading above a chunk. */
  headingField: z.string().min(1).optional(),
});
export type ContentConfig = z.infer<typeof contentConfigSchema>;

import { z } from 'zod';

/**
 * What every runbook accepts: one JSON object, every field optional, so that `{}` starts it from the Web UI. The worker
 * and the command line read it with the same schema.
 */
export const runInputSchema = z.strictObject({
  /** When the fault was declared; the RTO clock runs from here. Default: the start of the run. */
  faultDeclaredAt: z.iso.datetime().optional().describe('When the fault was declared (RFC 3339). Default: now.'),
  /** Why the run was started, for the report. */
  reason: z.string().max(500).optional().describe('Why, in a sentence, for the report.'),
  /** True for practice: marked so in every list and report. */
  drill: z.boolean().optional().describe('True when this is practice.'),
  /** Overrides the configured window; 0 commits at once. */
  commitWindowMinutes: z
    .number()
    .min(0)
    .max(7 * 24 * 60)
    .optional()
    .describe('Minutes in which rollBack is possible.'),
});

export type RunInput = z.infer<typeof runInputSchema>;

export const partialLossInputSchema = runInputSchema
  .extend({
    /** Which recovery set to heal from. Default: the newest verified one, else the newest. */
    setId: z.string().min(1).max(100).optional().describe('Recovery set to heal from. Default: the best one.'),
    /** `content` reads payloads and vectors, `ids` only which points exist (faster, sees no corruption). */
    depth: z.enum(['content', 'ids']).optional().describe('content (default) sees corruption, ids only absence.'),
    /** Whether vectors without a row are removed. Part of the approved plan. */
    dropOrphans: z.boolean().optional().describe('Remove vectors that have no row. Default: keep and report them.'),
  })
  .refine(({ depth, dropOrphans }) => !(dropOrphans === true && depth === 'ids'), {
    path: ['dropOrphans'],
    error: 'needs depth content: without reading a vector nobody can tell that it has not changed since',
  });
export type PartialLossInput = z.infer<typeof partialLossInputSchema>;

export const backUpInputSchema = runInputSchema.pick({ reason: true, drill: true });

export const verifyInputSchema = runInputSchema.pick({ reason: true, drill: true }).extend({
  setId: z.string().min(1).max(100).optional().describe('Recovery set to verify. Default: the newest.'),
  /** `quick` reads everything back; `full` also restores it beside. */
  level: z.enum(['quick', 'full']).optional().describe('full (default) restores the set beside, quick only reads it.'),
});

export const pruneInputSchema = runInputSchema.pick({ reason: true, drill: true });

export const coldCopyInputSchema = runInputSchema.pick({ reason: true });

export const markEnvironmentInputSchema = z.strictObject({});

const MOST_SAID = 500;

/** Field by field, what is wrong with an input: `depth: Invalid option…; typo: Unrecognized key`. */
export function describeIssues(error: z.ZodError): string {
  const said = error.issues
    .map((issue) => {
      const where =
        issue.path.length > 0
          ? issue.path.join('.')
          : issue.code === 'unrecognized_keys'
            ? issue.keys.join(', ')
            : 'input';
      return `${where}: ${issue.message}`;
    })
    .join('; ');
  // It may quote what was sent, and whoever sent it must not be able to fill a history.
  return said.length > MOST_SAID ? `${said.slice(0, MOST_SAID)}…` : said;
}

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

/** A moment as people write it: a time with a zone, or a position in the log. */
const momentTextSchema = z
  .string()
  .regex(
    /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})|[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})$/,
    'must be a time with a zone (2026-11-24T02:10:00Z) or a position in the log (0/1A2B3C4)',
  );

export const postgresInputSchema = runInputSchema
  .extend({
    setId: z.string().min(1).max(100).optional().describe('Recovery set to compare with. Default: the best one.'),
    /** `history`: Neon's, restored in place; `set`: the dump, restored beside. */
    from: z
      .enum(['history', 'set'])
      .optional()
      .describe('history (default where Neon is configured) restores a moment, set restores the dump beside.'),
    at: momentTextSchema
      .optional()
      .describe('Moment to go back to (RFC 3339, or a log position). Default: looked for.'),
    /** Must answer one boolean, true for a good state; asked at every moment that is looked at. */
    predicate: z
      .string()
      .min(1)
      .max(4_000)
      .optional()
      .describe('SQL that answers true for a good state, besides ours.'),
    plainDump: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, 'must be the name of a file, without a path')
      .optional()
      .describe('A dump made by hand (backup.sql) of the configured folder, instead of the set’s.'),
    leave: z.array(z.string().min(1)).max(50).optional().describe('Tables of which later rows are not carried over.'),
    dropOrphans: z
      .boolean()
      .optional()
      .describe('Remove vectors that have no row, instead of rebuilding rows from what they carry.'),
    restartCompute: z
      .boolean()
      .optional()
      .describe('Neon: end every connection first. For a database that takes no more of them.'),
  })
  .refine(({ at, from, plainDump }) => at === undefined || (from !== 'set' && plainDump === undefined), {
    path: ['at'],
    error: 'a moment is of the history, and a dump has one of its own: give one of the two',
  })
  .refine(({ from, plainDump }) => plainDump === undefined || from !== 'history', {
    path: ['plainDump'],
    error: 'a dump is restored beside: leave out `from: "history"`',
  });
export type PostgresInput = z.infer<typeof postgresInputSchema>;

export const clusterInputSchema = runInputSchema
  .extend({
    setId: z.string().min(1).max(100).optional().describe('Recovery set to restore. Default: the best one.'),
    replace: z
      .boolean()
      .optional()
      .describe('Replace the cluster even where it could be mended or woken, or nothing seems to be wrong with it.'),
    /** `replacement`: another server; `beside`: another collection on the same server. */
    to: z
      .enum(['replacement', 'beside'])
      .optional()
      .describe('replacement (default where one is configured) or beside, on the same server where that still serves.'),
    rebuild: z.boolean().optional().describe('Embed everything anew from source text instead of restoring vectors.'),
    keepOrphans: z
      .boolean()
      .optional()
      .describe('Keep vectors of the set whose rows were deleted since. Default: they are left out.'),
  })
  .refine(({ rebuild, setId }) => !(rebuild === true && setId !== undefined), {
    path: ['rebuild'],
    error: 'nothing of a set is restored then: give one of the two',
  });
export type ClusterInput = z.infer<typeof clusterInputSchema>;

export const appServerInputSchema = runInputSchema.extend({
  to: z.string().min(1).max(31).optional().describe('Server that takes over. Default: the other one.'),
  release: z
    .string()
    .min(1)
    .max(300)
    .regex(/^[^-\s][^\s]*$/, 'must be a tag, a commit, a branch, or image@sha256:...')
    .optional()
    .describe('Tag, commit, branch or image@sha256:... to deploy. Default: the newest that has passed its gates.'),
  setId: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Recovery set whose configuration is restored. Default: the best one.'),
  move: z
    .boolean()
    .optional()
    .describe('Move the app even where nothing is wrong, or another server would not help: fail back, maintenance.'),
});
export type AppServerInput = z.infer<typeof appServerInputSchema>;

export const reindexInputSchema = runInputSchema
  .extend({
    sections: z
      .array(z.string().min(1).max(500))
      .max(1_000)
      .optional()
      .describe('Sections (file.md#slug) or whole files to index again. Default: everything.'),
    keepGone: z.boolean().optional().describe('Keep chunks that the source has no more. Default: they go.'),
    onlySource: z
      .boolean()
      .optional()
      .describe('Leave out what is in no file of the source. Default: it is copied as it is.'),
  })
  .refine(({ sections, onlySource }) => !(onlySource === true && (sections ?? []).length > 0), {
    path: ['onlySource'],
    error: 'is about all content: leave out `sections`',
  })
  .refine(({ keepGone, onlySource }) => !(onlySource === true && keepGone === true), {
    path: ['onlySource'],
    error: 'contradicts keepGone: give one of the two',
  });
export type ReindexInput = z.infer<typeof reindexInputSchema>;

export const backUpInputSchema = runInputSchema.pick({ reason: true, drill: true });

export const verifyInputSchema = runInputSchema.pick({ reason: true, drill: true }).extend({
  setId: z.string().min(1).max(100).optional().describe('Recovery set to verify. Default: the newest.'),
  /** `quick` reads everything back; `full` also restores it beside. */
  level: z.enum(['quick', 'full']).optional().describe('full (default) restores the set beside, quick only reads it.'),
});

export const pruneInputSchema = runInputSchema.pick({ reason: true, drill: true });

export const coldCopyInputSchema = runInputSchema.pick({ reason: true });

export const markEnvironmentInputSchema = z.strictObject({});

export const discoverInputSchema = z.strictObject({
  /** Leaves Postgres alone, since its tables take long, and proposes nothing: for whoever looks every hour. */
  hazardsOnly: z.boolean().optional().describe('Tell the hazards and propose nothing.'),
});
export type DiscoverInput = z.input<typeof discoverInputSchema>;

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

import { z } from 'zod';
import { gateSchema, verdictSchema } from './verdict.ts';

/**
 * `quick` reads everything back and compares it with its hashes; `full` also restores it beside and checks what comes up.
 * Only a full one that passed makes a set verified.
 */
export const verificationLevelSchema = z.enum(['quick', 'full']);
export type VerificationLevel = z.infer<typeof verificationLevelSchema>;

/** What one verification of a set found. It lies beside the manifest, under a name that holds its own hash. */
export const verificationSchema = z.strictObject({
  version: z.literal(1),
  setId: z.string().min(1),
  /** SHA-256 of the manifest that was verified: another manifest makes the record worthless. */
  manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
  level: verificationLevelSchema,
  at: z.iso.datetime(),
  verdict: verdictSchema,
  gates: z.array(gateSchema),
  /** The run that did it. */
  workflowId: z.string().min(1),
});
export type Verification = z.infer<typeof verificationSchema>;

/** How far a set is to be trusted: by the newest record of each level, the full one first. */
export const setStateSchema = z.enum(['candidate', 'checked', 'verified', 'failed']);
export type SetState = z.infer<typeof setStateSchema>;

/**
 * - `failed`: the newest verification of any level failed
 * - `verified`: a full verification passed, and none failed since
 * - `checked`: only quick ones passed
 * - `candidate`: none passed yet
 *
 * Records of another manifest do not count.
 */
export function stateOf(manifestSha256: string, records: readonly Verification[]): SetState {
  const own = records
    .filter((record) => record.manifestSha256 === manifestSha256)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  if (own.at(-1)?.verdict === 'fail') return 'failed';
  const lastFailure = own.findLastIndex(({ verdict }) => verdict === 'fail');
  const since = own.slice(lastFailure + 1).filter(({ verdict }) => verdict === 'pass');
  if (since.some(({ level }) => level === 'full')) return 'verified';
  return since.length > 0 ? 'checked' : 'candidate';
}

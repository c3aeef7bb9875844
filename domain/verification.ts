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

/** How far a set is to be trusted. */
export const setStateSchema = z.enum(['candidate', 'checked', 'verified', 'failed']);
export type SetState = z.infer<typeof setStateSchema>;

/**
 * What the records of a set's verifications say together:
 * - `failed`: one failed, and none of at least its level has passed since. One that proved nothing takes no failure back
 * - `verified`: a full one passed, and none failed since
 * - `checked`: only quick ones passed
 * - `candidate`: none passed yet
 *
 * Records of another manifest do not count.
 */
export function stateOf(manifestSha256: string, records: readonly Verification[]): SetState {
  const own = records
    .filter((record) => record.manifestSha256 === manifestSha256)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return own.reduce<SetState>(after, 'candidate');
}

function after(state: SetState, { level, verdict }: Verification, at: number, all: readonly Verification[]): SetState {
  if (verdict === 'fail') return 'failed';
  if (verdict === 'unproven') return state;
  if (level === 'full') return 'verified';
  return state === 'verified' || fullFailureBefore(at, all) ? state : 'checked';
}

/** Whether a full verification failed and no full one has passed since. */
function fullFailureBefore(at: number, all: readonly Verification[]): boolean {
  return (
    all.slice(0, at).findLast(({ level, verdict }) => level === 'full' && verdict !== 'unproven')?.verdict === 'fail'
  );
}

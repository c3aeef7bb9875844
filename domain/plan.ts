import { bytesToHex } from '@noble/hashes/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** One thing that a run will do, in words for the person who approves it. */
export const planStepSchema = z.strictObject({
  step: z.string(),
  what: z.string(),
  /** Why it is done so and not otherwise. */
  why: z.string().optional(),
});

/** What a runbook will do, as a value: shown, hashed, approved, carried out and reported, always the same object. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  scenario: z.string(),
  environment: z.string(),
  /** What will be written to. */
  target: z.string(),
  /** The run that made the plan: an approval is good for this run alone. */
  runId: z.string(),
  reason: z.string(),
  steps: z.array(planStepSchema).min(1),
  /** What will be lost, in words people use. */
  loss: z.string(),
  expectedSeconds: z.number().nonnegative(),
  /** Hashes of the lists and sets that the plan stands on, by name. */
  basis: z.record(z.string(), z.string()),
});
export type Plan = z.infer<typeof planSchema>;

/** A short hash that an approver can read aloud: 12 hex digits; the whole hash works too. */
const SHORT = 12;

/** SHA-256 of the plan's canonical JSON (RFC 8785), in hex. */
export function planHash(plan: Plan): string {
  return bytesToHex(sha256(new TextEncoder().encode(canonicalize(plan))));
}

export function shortHash(hash: string): string {
  return hash.slice(0, SHORT);
}

/** True when what the approver sent names this plan: the whole hash, or at least its first 12 digits. */
export function namesPlan(sent: string, hash: string): boolean {
  const digits = sent
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '');
  return digits.length >= SHORT && hash.startsWith(digits);
}

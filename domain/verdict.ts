import { z } from 'zod';

/** `unproven` is not a pass: it blocks like a failure. */
export const verdictSchema = z.enum(['pass', 'fail', 'unproven']);
export type Verdict = z.infer<typeof verdictSchema>;

/** One check that must pass before the next stage: what was expected, what was seen. */
export const gateSchema = z.strictObject({
  name: z.string().min(1),
  verdict: verdictSchema,
  expected: z.string(),
  observed: z.string(),
});
export type Gate = z.infer<typeof gateSchema>;

/** The verdict over gates. No gates prove nothing. */
export function overallVerdict(gates: readonly Gate[]): Verdict {
  if (gates.some((gate) => gate.verdict === 'fail')) return 'fail';
  if (gates.length === 0 || gates.some((gate) => gate.verdict === 'unproven')) return 'unproven';
  return 'pass';
}

/** One line for people: `retrieval: expected …, saw …`. */
export function describeGate(gate: Gate): string {
  return `${gate.name}: expected ${gate.expected}, saw ${gate.observed}`;
}

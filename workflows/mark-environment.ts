import { markEnvironmentInputSchema, describeIssues } from '../domain/run-input.ts';
import { failureWith, troubleOf } from './failure.ts';
import { handsWith } from './hands.ts';

/** Writes the environment's name into every store that has none; refuses when one has another. Done once per stack. */
export async function markEnvironment(input?: Record<string, never>): Promise<{ marked: string[] }> {
  const parsed = markEnvironmentInputSchema.safeParse(input ?? {});
  if (!parsed.success) throw failureWith('INVALID_INPUT', describeIssues(parsed.error));
  try {
    return await handsWith('Write the environment’s name into the stores').markEnvironment();
  } catch (error) {
    const { code, view } = troubleOf(error);
    throw failureWith(code, view.message);
  }
}

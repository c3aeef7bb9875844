import type { Discovery } from '../domain/discovery.ts';
import { describeIssues, type DiscoverInput, discoverInputSchema } from '../domain/run-input.ts';
import { failureWith, troubleOf } from './failure.ts';
import { handsWith } from './hands.ts';

/** Tells what the stack looks like from the worker, and what will hurt in a recovery. Reads only; no run, no lease, no report. */
export async function discoverStack(input?: DiscoverInput): Promise<Discovery> {
  const parsed = discoverInputSchema.safeParse(input ?? {});
  if (!parsed.success) throw failureWith('INVALID_INPUT', describeIssues(parsed.error));
  try {
    return await handsWith('Look at the stack, reading only').discoverStack({
      hazardsOnly: parsed.data.hazardsOnly ?? false,
    });
  } catch (error) {
    const { code, view } = troubleOf(error);
    throw failureWith(code, view.message);
  }
}

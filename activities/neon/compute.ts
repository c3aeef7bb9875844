import type { Work } from '../progress.ts';
import type { Endpoint, Project } from './answers.ts';
import type { NeonClient } from './client.ts';
import { NeonFailure } from './failure.ts';
import { settle } from './settle.ts';
import type { Tools } from './tools.ts';

/** Neon's own default. */
const IDLE_SECONDS = 300;

/**
 * When a backup's compute goes to sleep by itself, which is all that is done about it: it costs nothing from then on, and
 * wakes when somebody connects. Set only against a project's default that is longer or never, because the smallest plans
 * let nobody set it.
 */
export function suspendSecondsFor({ default_endpoint_settings: defaults }: Project): number | undefined {
  const seconds = defaults?.suspend_timeout_seconds ?? 0;
  return seconds < 0 || seconds > IDLE_SECONDS ? IDLE_SECONDS : undefined;
}

/** The compute to read a branch by, which is made when it is not there: a chain that failed may have left none. */
export async function ensureEndpoint(
  { patience }: Tools,
  client: NeonClient,
  branchId: string,
  work: Work,
): Promise<Endpoint> {
  const found = await client.findEndpoint(branchId);
  if (found) return found;
  const suspend = suspendSecondsFor(await client.readProject());
  try {
    const { endpoint, operations } = await client.createEndpoint(branchId, suspend);
    await settle({ client, patience }, operations, 'Neon: compute of the backup branch', work);
    return endpoint;
  } catch (error) {
    // A branch has one of them at most, so whatever is there is the one that was asked for.
    const made = error instanceof NeonFailure && error.outcomeUnknown && (await client.findEndpoint(branchId));
    if (made) return made;
    throw error;
  }
}

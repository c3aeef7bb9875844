import { activityInfo } from '@temporalio/activity';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { livePlaceKeyOf, PLACES } from '../../domain/names.ts';
import { type LivePlace, sameServer, type ServerRef } from '../../domain/servers.ts';
import { readLivePlace } from '../../domain/live-place.ts';
import { putBytes } from '../lines.ts';

/** @throws STALE_PLAN when another run has recorded a server under that number, STORE_* */
export async function recordLivePlace(
  store: ArtifactStore,
  { epoch, server }: { epoch: number; server: ServerRef },
): Promise<LivePlace> {
  const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
  const key = livePlaceKeyOf(epoch);
  const place: LivePlace = { version: 1, epoch, server, since: new Date().toISOString(), workflowId, runId };
  const there = await adopt(store, key, place);
  if (there) return there;
  try {
    await putBytes(store, key, Buffer.from(`${JSON.stringify(place, null, 2)}\n`));
  } catch (error) {
    // A key is never replaced: somebody may have been first, which may have been this very run.
    const first = await adopt(store, key, place);
    if (!first) throw error;
    return first;
  }
  return place;
}

/** The record of that number when it is this run's own; `undefined` when there is none. @throws STALE_PLAN */
async function adopt(store: ArtifactStore, key: string, wanted: LivePlace): Promise<LivePlace | undefined> {
  const newest = (await store.list(PLACES)).at(-1);
  if (newest === undefined || newest < key) return undefined;
  const place = await readLivePlace(store);
  if ('workflowId' in place && place.epoch === wanted.epoch && isSame(place, wanted)) return place;
  const who = 'workflowId' in place ? ` by ${place.workflowId}` : '';
  throw new RecoveryError(
    'STALE_PLAN',
    `plan: another server was recorded as the live one meanwhile${who}; start a new run`,
  );
}

function isSame(a: LivePlace, b: LivePlace): boolean {
  return a.workflowId === b.workflowId && a.runId === b.runId && sameServer(a.server, b.server);
}

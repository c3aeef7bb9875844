import type { ArtifactStore } from './artifacts.ts';
import { RecoveryError } from './failures.ts';
import { livePlaceKeyOf, PLACES } from './names.ts';
import { FIRST_PLACE, type LivePlace, livePlaceSchema } from './servers.ts';

/**
 * The record that counts now: that with the highest number, or what counts before there is any.
 * @throws STORE_*, SET_TAMPERED when the record is none that we could have written
 */
export async function readLivePlace(
  store: Pick<ArtifactStore, 'list' | 'readSmall'>,
): Promise<LivePlace | typeof FIRST_PLACE> {
  const newest = (await store.list(PLACES)).at(-1);
  if (newest === undefined) return FIRST_PLACE;
  const bytes = await store.readSmall(newest);
  const read = livePlaceSchema.safeParse(parseJson(bytes));
  if (read.success && livePlaceKeyOf(read.data.epoch) === newest) return read.data;
  // Guessing would mean to write into a server that was replaced.
  throw new RecoveryError('SET_TAMPERED', `${newest} does not say which server is the live one`);
}

function parseJson(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes ?? new Uint8Array()));
  } catch {
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type ArtifactStore, listSchema } from '../../../domain/artifacts.ts';
import type { Place } from '../../../domain/database-state.ts';
import type { Before } from './later-rows.ts';

const attemptSchema = z.record(z.string(), z.strictObject({ keys: listSchema, updated: listSchema }));
const DIGITS = 4;

/** Where a group's attempts are noted: by the target and the tables, so that a rehearsal is not taken for the real thing. */
export function notesOf(folder: string, to: Place, tables: readonly string[]): string {
  const subject = JSON.stringify([to, [...tables].toSorted()]);
  return `${folder}/attempts-${createHash('sha256').update(subject).digest('hex').slice(0, 12)}`;
}

/**
 * What the attempt before noted, by table. It may not have come to commit: then its rows are not in the target, and nothing
 * follows from the note. To be read when nobody else can be at it.
 */
export async function readNote(store: ArtifactStore, notes: string): Promise<Record<string, Before>> {
  const last = (await store.list(`${notes}/`)).at(-1);
  const bytes = last === undefined ? undefined : await store.readSmall(last);
  return bytes === undefined ? {} : attemptSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/** Notes what is about to be committed, so that the next attempt knows its rows from those that were there. */
export async function writeNote(store: ArtifactStore, notes: string, after: Record<string, Before>): Promise<void> {
  const number = String((await store.list(`${notes}/`)).length + 1).padStart(DIGITS, '0');
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(JSON.stringify(after));
  };
  await store.put(`${notes}/${number}.json`, bytes());
}

import { createArtifactStore } from '../activities/store/index.ts';
import type { StoreConfig } from '../config/store.ts';
import { runFolderOf } from '../domain/names.ts';
import { type RunReport, runReportSchema } from '../domain/report.ts';
import { type BrokenSet, listStoredSets, type StoredSet } from '../domain/stored-set.ts';

const REPORT = /\/report-(\d+)\.json$/;

/** Where the artifact store is, for people. */
export function placeOf({ directory, s3 }: StoreConfig): string {
  return s3 ? `s3://${s3.bucket}/${s3.prefix}` : directory;
}

/** Every recovery set in the artifact store, the newest first. @throws the store's failures */
export function storedSets(store: StoreConfig): Promise<(StoredSet | BrokenSet)[]> {
  return listStoredSets(createArtifactStore(store));
}

/**
 * The report that a run wrote to the store, if it is there: the newest, when it wrote several.
 * @throws the store's failures
 */
export async function storedReport(
  config: StoreConfig,
  workflowId: string,
  runId?: string,
): Promise<RunReport | undefined> {
  const store = createArtifactStore(config);
  const keys = await store.list(runFolderOf(workflowId, runId === undefined ? '' : `${runId}/`));
  const newest = keys
    .filter((key) => REPORT.test(key))
    .toSorted((a, b) => writtenAt(b) - writtenAt(a))
    .at(0);
  const bytes = newest === undefined ? undefined : await store.readSmall(newest);
  const parsed = runReportSchema.safeParse(bytes && readJson(bytes));
  return parsed.success ? parsed.data : undefined;
}

function writtenAt(key: string): number {
  return Number(REPORT.exec(key)?.[1]);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

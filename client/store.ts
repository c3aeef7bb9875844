import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFolderOf } from '../domain/names.ts';
import { type RunReport, runReportSchema } from '../domain/report.ts';
import { type BrokenSet, listStoredSets, type StoredSet } from '../domain/stored-set.ts';

/** Every recovery set in the folder of the artifact store, the newest first. */
export function storedSets(directory: string): Promise<(StoredSet | BrokenSet)[]> {
  return listStoredSets({
    list: async (prefix) => globSync(`${prefix}**/*.json`, { cwd: directory }).sort(),
    readSmall: (key) => readFile(join(directory, key)).catch(() => undefined),
  });
}

/** The report that a run wrote to the store, if it is there: the newest, when it wrote several. */
export async function storedReport(directory: string, workflowId: string, runId = '*'): Promise<RunReport | undefined> {
  const folder = runFolderOf(workflowId, runId);
  const [newest] = globSync(`${folder}/report-*.json`, { cwd: directory }).sort().reverse();
  if (newest === undefined) return undefined;
  const parsed = runReportSchema.safeParse(await readJson(join(directory, newest)));
  return parsed.success ? parsed.data : undefined;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFolderOf } from '../domain/names.ts';
import { type RecoverySet, recoverySetSchema } from '../domain/recovery-set.ts';
import { type RunReport, runReportSchema } from '../domain/report.ts';

/** A manifest as it stands in the store: a recovery set, or the reason why it is none. */
export type StoredSet =
  { readonly key: string; readonly set: RecoverySet } | { readonly key: string; readonly problem: string };

/** Every recovery set in the folder of the artifact store, the newest first. */
export async function storedSets(directory: string): Promise<StoredSet[]> {
  const keys = globSync('sets/*/manifest.json', { cwd: directory }).sort().reverse();
  return Promise.all(
    keys.map(async (key) => {
      const parsed = recoverySetSchema.safeParse(await readJson(join(directory, key)));
      if (parsed.success) return { key, set: parsed.data };
      const issue = parsed.error.issues[0];
      return { key, problem: `${issue?.path.join('.') || 'manifest'}: ${issue?.message ?? 'cannot be read'}` };
    }),
  );
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

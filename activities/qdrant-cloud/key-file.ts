import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { RecoveryError } from '../../domain/failures.ts';

const keySchema = z.strictObject({ id: z.uuid(), key: z.string().min(1) });
const keysSchema = z.strictObject({ manage: keySchema, read: keySchema });
const fileSchema = z.strictObject({ version: z.literal(1), clusters: z.record(z.uuid(), keysSchema) });

/** Keys of the databases that runs have made, by cluster. Secrets: they are in this file and nowhere else. */
export type ClusterKeys = z.infer<typeof keysSchema>;

/**
 * The keys of a cluster; `undefined` where the file does not know it, or is not there yet.
 * @throws RecoveryError INVALID_CONFIGURATION for a file that cannot be read, or is none of ours
 */
export function readClusterKeys(file: string, clusterId: string): ClusterKeys | undefined {
  return readAll(file)[clusterId];
}

/** Durable when it returns; there is the old file or the new one, whenever the power fails. For its owner's eyes only. */
export async function writeClusterKeys(file: string, clusterId: string, keys: ClusterKeys): Promise<void> {
  await replace(file, { ...readAll(file), [clusterId]: keys });
}

/** Absent is fine. */
export async function forgetClusterKeys(file: string, clusterId: string): Promise<void> {
  const { [clusterId]: known, ...rest } = readAll(file);
  if (known) await replace(file, rest);
}

function readAll(file: string): Record<string, ClusterKeys> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return {};
    throw refused(file, 'cannot be read', error);
  }
  try {
    return fileSchema.parse(JSON.parse(text)).clusters;
  } catch {
    // What it holds is never repeated: it may be a key.
    throw refused(file, 'is no file of keys that a run has written');
  }
}

async function replace(file: string, clusters: Record<string, ClusterKeys>): Promise<void> {
  const next = `${file}.${randomUUID().slice(0, 8)}.next`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(next, `${JSON.stringify({ version: 1, clusters }, null, 2)}\n`, { mode: 0o600, flush: true });
    chmodSync(next, 0o600);
    await rename(next, file);
  } catch (error) {
    throw refused(file, 'cannot be written', error);
  }
}

function refused(file: string, what: string, cause?: unknown): RecoveryError {
  return new RecoveryError('INVALID_CONFIGURATION', `qdrantReplacement.cloud.keyFile: ${file} ${what}`, { cause });
}

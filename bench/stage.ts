import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createDiskStore } from '../activities/store/disk.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { ArtifactStore } from '../domain/artifacts.ts';
import { type PartName, sandboxFolder, type Stack, startStack } from '../sandbox/stack/stack.ts';
import type { Bench } from './benchmark.ts';

/** Servers of a benchmark's own, empty, and what the product is configured with to use them. */
export interface Stage {
  readonly stack: Stack;
  readonly config: Config;
  readonly store: ArtifactStore;
}

/**
 * Runs `work` on a fresh stack with these parts (all when absent), and removes what it wrote, unless it failed. It lives in a
 * folder of its own, so that it neither becomes the current sandbox nor finds embeddings that were computed before.
 */
export async function withStage<T>(
  { say }: Pick<Bench, 'say'>,
  name: string,
  only: readonly PartName[] | undefined,
  work: (stage: Stage) => Promise<T>,
  { neon = false }: { neon?: boolean } = {},
): Promise<T> {
  const folder = join(sandboxFolder, 'bench', name);
  await rm(folder, { recursive: true, force: true });
  const stack = await startStack({ name: `bench-${name}`, folder, fresh: true, only, neon, onMessage: say });
  try {
    const config = await loadConfig({ env: { ...stack.env }, cwd: stack.dir });
    const result = await work({ stack, config, store: createDiskStore(config.store.directory) });
    await rm(folder, { recursive: true, force: true });
    return result;
  } catch (error) {
    say(`What is left of ${name}, with the logs, is in ${stack.dir}`);
    throw error;
  } finally {
    await stack.stop();
  }
}

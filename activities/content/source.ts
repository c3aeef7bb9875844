import { glob, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type Chunk, chunkMarkdown } from '../../domain/chunking.ts';
import type { SourceTexts } from '../../domain/embedder.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { textFingerprint } from '../fingerprint.ts';

/** A text that is not found makes the folder be read again, but not more often than this. */
const FRESH_MS = 60_000;

/**
 * The texts of a folder of Markdown, cut as at ingestion and found by their fingerprint.
 * @throws RecoveryError INVALID_CONFIGURATION when the folder holds no such file
 */
export function createSourceTexts({ directory, glob: pattern }: NonNullable<Config['content']>): SourceTexts {
  let known: ReadonlyMap<string, string> = new Map();
  let readAt = -Infinity;
  return {
    async find(fingerprints) {
      if (fingerprints.some((one) => !known.has(one)) && performance.now() - readAt > FRESH_MS) {
        known = await readTexts(directory, pattern);
        readAt = performance.now();
      }
      const found = fingerprints.map((one) => [one, known.get(one)] as const);
      return new Map(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
    },
  };
}

async function readTexts(directory: string, pattern: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const chunks of readSource({ directory, glob: pattern }))
    for (const { text } of chunks) texts.set(textFingerprint(text), text);
  return texts;
}

/**
 * The chunks of every file of the source, a file at a time, in the order of their names.
 * @throws RecoveryError INVALID_CONFIGURATION when the folder cannot be read, or holds no such file
 */
export async function* readSource({
  directory,
  glob: pattern,
}: Pick<NonNullable<Config['content']>, 'directory' | 'glob'>): AsyncGenerator<readonly Chunk[]> {
  const files = (await filesLike(directory, pattern)).toSorted();
  if (files.length === 0)
    throw new RecoveryError('INVALID_CONFIGURATION', `content.glob: no file in ${directory} is like ${pattern}`);
  for (const file of files)
    yield chunkMarkdown(file.replaceAll(sep, '/'), await orRefuse(directory, readFile(join(directory, file), 'utf8')));
}

function filesLike(directory: string, pattern: string): Promise<string[]> {
  return orRefuse(directory, Array.fromAsync(glob(pattern, { cwd: directory })));
}

function orRefuse<T>(directory: string, reading: Promise<T>): Promise<T> {
  return reading.catch((cause: unknown) => {
    throw new RecoveryError('INVALID_CONFIGURATION', `content.directory: ${directory} cannot be read`, { cause });
  });
}

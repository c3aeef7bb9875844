import { hash } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { chunkMarkdown } from '../../domain/chunking.ts';
import type { SourceTexts } from '../../domain/embedder.ts';
import { RecoveryError } from '../../domain/failures.ts';

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
  let files = 0;
  try {
    for await (const file of glob(pattern, { cwd: directory })) {
      files += 1;
      const markdown = await readFile(join(directory, file), 'utf8');
      for (const { text } of chunkMarkdown(file.replaceAll(sep, '/'), markdown)) texts.set(fingerprintOf(text), text);
    }
  } catch (cause) {
    throw new RecoveryError('INVALID_CONFIGURATION', `content.directory: ${directory} cannot be read`, { cause });
  }
  if (files === 0)
    throw new RecoveryError('INVALID_CONFIGURATION', `content.glob: no file in ${directory} is like ${pattern}`);
  return texts;
}

/** As in `IndexEntry`: the first 64 bits of the SHA-256. */
function fingerprintOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}

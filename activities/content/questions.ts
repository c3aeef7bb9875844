import { readFile } from 'node:fs/promises';
import { RecoveryError } from '../../domain/failures.ts';
import { type GoldenQuestion, goldenQuestionSchema } from '../../domain/recovery-set.ts';
import { describeIssues } from '../../domain/run-input.ts';

/**
 * The golden questions of a file: `[{question, sources}]`. No file configured means no questions.
 * @throws RecoveryError INVALID_CONFIGURATION naming the file and what is wrong in it
 */
export async function readQuestions(path: string | undefined): Promise<GoldenQuestion[]> {
  if (path === undefined) return [];
  const parsed = goldenQuestionSchema.array().safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new RecoveryError('INVALID_CONFIGURATION', `goldenQuestions: ${path}: ${describeIssues(parsed.error)}`);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new RecoveryError('INVALID_CONFIGURATION', `goldenQuestions: ${path} cannot be read: ${said}`, { cause });
  }
}

import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';

/** Asks the person at the terminal. Only `y` and `yes` are a yes. */
export async function ask({ stdin, stdout }: Context, question: string): Promise<boolean> {
  const lines = createInterface({ input: stdin, output: stdout.stream });
  try {
    return /^y(?:es)?$/i.test((await lines.question(question)).trim());
  } finally {
    lines.close();
  }
}

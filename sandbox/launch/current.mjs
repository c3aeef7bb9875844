import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from './lock.mjs';

/** `NAME=value` lines as the sandbox writes them: one variable a line, values as JSON strings. */
export function parseEnvironment(text) {
  const lines = text.split('\n').map((line) => /^([A-Z0-9_]+)=(".*")$/.exec(line));
  return Object.fromEntries(lines.filter(Boolean).map(([, name, value]) => [name, JSON.parse(value)]));
}

/**
 * The environment of the sandbox that was started last and still runs; undefined when there is none.
 * @returns {{name: string, variables: Record<string, string>} | undefined}
 */
export function readCurrent(folder) {
  try {
    const current = JSON.parse(readFileSync(join(folder, 'current.json'), 'utf8'));
    if (!isAlive(current.pid)) return undefined;
    return { name: current.name, variables: parseEnvironment(readFileSync(current.environmentFile, 'utf8')) };
  } catch {
    return undefined;
  }
}

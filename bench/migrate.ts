import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { QdrantConfig } from '../config/schema.ts';
import { ensurePython } from '../sandbox/launch/python.mjs';
import { sandboxFolder } from '../sandbox/stack/stack.ts';

const run = promisify(execFile);
const requirements = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const script = fileURLToPath(new URL('./migrate.py', import.meta.url));
const doneSchema = z.object({ seconds: z.number(), count: z.number() });

/**
 * Copies a collection with the vendor's Python client, from one server to another.
 * @returns seconds @throws Error with its last words when it fails or does not copy everything
 */
export async function migrate(
  source: QdrantConfig,
  target: QdrantConfig,
  collection: string,
  points: number,
): Promise<number> {
  const python = await ensurePeer();
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  const place = ({ url, apiKey }: QdrantConfig) => ({ url, api_key: apiKey?.reveal() });
  child.stdin.end(JSON.stringify({ source: place(source), target: place(target), collection }));
  const [out, said] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`QdrantClient.migrate ended with ${child.exitCode}: ${said.slice(-2_000)}`);
  const { seconds, count } = doneSchema.parse(JSON.parse(out));
  if (count !== points) throw new Error(`QdrantClient.migrate copied ${count} of ${points} points`);
  return seconds;
}

/** The pinned client in a virtual environment of its own, made once. @returns its Python */
async function ensurePeer(): Promise<string> {
  const folder = join(sandboxFolder, 'bench-python');
  const python = join(folder, 'bin', 'python');
  const mark = join(folder, 'ready');
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) return python;
  const { python: base } = await ensurePython();
  await run(base, ['-m', 'venv', '--clear', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--only-binary=:all:'];
  await run(python, [...pip, '--requirement', requirements]);
  writeFileSync(mark, wanted);
  return python;
}

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { searchPath } from '../config/search-path.ts';
import { ensurePython } from '../sandbox/launch/python.mjs';
import { findProgram } from '../sandbox/stack/find.ts';

const BLOCK = 1 << 24;
const START_MS = 10_000;

/** A file of so many bytes that no two blocks of are alike. @returns its name */
export async function writeSource(folder: string, name: string, bytes: number): Promise<string> {
  const file = await open(join(folder, name), 'w');
  const block = randomBytes(BLOCK);
  for (let at = 0; at < bytes; at += BLOCK) {
    block.writeUInt32BE(at / BLOCK);
    await file.write(block, 0, Math.min(BLOCK, Math.round(bytes) - at));
  }
  await file.sync();
  await file.close();
  return name;
}

/** Caddy as a file server: in a process of its own, and faster than whatever reads from it. */
export async function serveFile(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const { bin } = await ensurePython();
  const places = { variable: 'PATH', searchPath: searchPath() ?? '', provided: bin };
  const found = findProgram('caddy', places);
  if (!found) throw new Error('caddy is not there: start benchmarks with `npm run bench`');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['file-server', '--root', folder, '--listen', `127.0.0.1:${port}`];
  const server = spawn(found.path, args, { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => server.once('close', () => resolve()));
  for (const deadline = Date.now() + START_MS; !(await answers(url)); await pause(20)) {
    if (Date.now() > deadline || server.exitCode !== null) throw new Error('caddy did not start');
  }
  return {
    url,
    stop: async () => {
      server.kill();
      await gone;
    },
  };
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const VERSION = 'v1.7.0';
const BUILD_MS = 9 * 60_000;
const folder = resolve('.sandbox', 'go', VERSION);

/**
 * versitygw, an S3 server that is strict about checksums and keys: from PATH, or built once into `.sandbox/go` where Go is at
 * hand. Nobody offers it as a wheel.
 */
export function findVersity(): { readonly program: string } | { readonly missing: string } {
  if (spawnSync('versitygw', ['--version'], { stdio: 'ignore' }).status === 0) return { program: 'versitygw' };
  const program = resolve(folder, 'versitygw');
  if (existsSync(program)) return { program };
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0)
    return { missing: 'neither versitygw nor Go is on PATH' };
  mkdirSync(folder, { recursive: true });
  const built = spawnSync('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
    env: { ...process.env, GOBIN: folder },
    timeout: BUILD_MS,
    encoding: 'utf8',
  });
  if (built.status === 0) return { program };
  return { missing: `Go could not build it (${built.stderr.trim().split('\n').at(-1) ?? 'no reason was given'})` };
}

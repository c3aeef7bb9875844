import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type S3Config, storeConfigSchema } from '../../config/store.ts';
import { readPython } from '../../sandbox/launch/python.mjs';
import { freePort } from './ports.ts';

const START_MS = 30_000;
export const REGION = 'us-east-1';
export const KEYS = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-access-key' } as const;

/** A real S3 server of a test's own. */
export interface S3Server {
  readonly url: string;
  /** The SDK as anybody might use it, for what happens behind the store's back. */
  readonly client: S3Client;
  stop(): Promise<void>;
}

/** moto: Amazon's own data model of S3, with conditional writes, versions and Object Lock; it looks at no checksum and no key. */
export async function startMoto(): Promise<S3Server> {
  const provided = readPython();
  if (!provided) throw new Error('the Python of the sandbox is not there: start tests with `npm test`');
  const port = await freePort();
  const started = spawn(provided.python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, ...(provided.pythonPath === null ? {} : { PYTHONPATH: provided.pythonPath }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return ready(started, `http://127.0.0.1:${port}`);
}

/** versitygw: a gateway in Go over a folder, strict about checksums and keys. */
export async function startVersity(program: string, folder: { data: string; versions: string }): Promise<S3Server> {
  const port = await freePort();
  const args = ['--port', `127.0.0.1:${port}`, '--access', KEYS.accessKeyId, '--secret', KEYS.secretAccessKey];
  const started = spawn(program, [...args, 'posix', '--versioning-dir', folder.versions, folder.data], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return ready(started, `http://127.0.0.1:${port}`);
}

async function ready(started: ChildProcess, url: string): Promise<S3Server> {
  let output = '';
  started.stderr?.on('data', (text: Buffer) => (output += text.toString()));
  const gone = new Promise<void>((resolve) => started.once('close', () => resolve()));
  // A test run that is killed must leave no server behind.
  const kill = (): boolean => started.kill('SIGKILL');
  process.once('exit', kill);
  for (const deadline = Date.now() + START_MS; ;) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    if (Date.now() > deadline || started.exitCode !== null) throw new Error(`the S3 server did not start:\n${output}`);
    await pause(20);
  }
  const client = new S3Client({ endpoint: url, region: REGION, credentials: { ...KEYS }, forcePathStyle: true });
  return {
    url,
    client,
    stop: async () => {
      client.destroy();
      started.kill('SIGTERM');
      await gone;
      process.removeListener('exit', kill);
    },
  };
}

/** A new bucket, and the settings with which the product uses it. */
export async function newBucket(server: S3Server, more: { prefix?: string; lock?: boolean } = {}): Promise<S3Config> {
  const bucket = `test-${randomUUID()}`;
  await server.client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: more.lock ?? false }));
  return s3Config({ bucket, endpoint: server.url, prefix: more.prefix ?? '' });
}

/** Settings as they come out of the configuration, for a server of ours. */
export function s3Config(settings: Record<string, unknown>): S3Config {
  const { s3 } = storeConfigSchema.parse({ s3: { region: REGION, forcePathStyle: true, ...KEYS, ...settings } });
  if (!s3) throw new Error('no settings came out');
  return s3;
}

/** Replaces or removes an object behind the store's back. */
export async function tamperWith(
  client: S3Client,
  { bucket, prefix }: Pick<S3Config, 'bucket' | 'prefix'>,
  key: string,
  bytes: Uint8Array | undefined,
): Promise<void> {
  const target = { Bucket: bucket, Key: join(prefix, key) };
  await (bytes === undefined
    ? client.send(new DeleteObjectCommand(target))
    : client.send(new PutObjectCommand({ ...target, Body: bytes })));
}

/**
 * `node sandbox/app/deploy.ts --dir DIR --server primary|backup [--ref REF] [--find] [--stop]`: what deploys the chatbot to one of
 * its servers, as a script on the server would. Variables come from the environment; the process itself is kept by the sandbox.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { appEnvironment } from '../../config/sandbox.ts';
import { writePrivate } from '../stack/home.ts';
import { configOf, type Deployment, deploymentSchema } from './deployment.ts';
import { type AppFolders, deploymentFileOf, foldersOf, repositoryOf, SERVERS, type ServerName } from './places.ts';
import { checkOut, deployedCommit, readRelease } from './release.ts';

const argumentsSchema = z.object({
  dir: z.string(),
  server: z.enum(SERVERS),
  ref: z.string().optional(),
  find: z.boolean().default(false),
  stop: z.boolean().default(false),
});

const PART = { primary: 'app', backup: 'app-backup' } as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string' },
      server: { type: 'string' },
      ref: { type: 'string' },
      find: { type: 'boolean' },
      stop: { type: 'boolean' },
    },
  });
  const { dir, server, ref, find, stop } = argumentsSchema.parse(values);
  const deployment = deploymentSchema.parse(JSON.parse(await readFile(deploymentFileOf(dir), 'utf8')));
  const folders = foldersOf(dir, server);
  if (find) return void process.stdout.write(`${JSON.stringify(await findDeployed(deployment, folders, server))}\n`);
  if (stop) return control(deployment, server, 'kill', { signal: 'SIGTERM' });
  if (ref === undefined) throw new Error('--ref, --find or --stop is needed');
  const commit = await checkOut(repositoryOf(dir), folders, ref);
  process.stdout.write(`checked out ${ref} (${commit})\n`);
  writePrivate(folders.config, `${JSON.stringify(configOf(deployment, folders, server, appEnvironment()), null, 2)}\n`);
  // What an earlier deployment was told counts no more: the variables do.
  for (const file of ['vectors.json', 'mode.json', 'faults.json'])
    await rm(join(folders.folder, file), { force: true });
  await control(deployment, server, 'restart', {});
  process.stdout.write(
    `release ${(await readRelease(join(folders.current, 'release.json'))).version} serves on ${server}\n`,
  );
}

async function findDeployed(deployment: Deployment, folders: AppFolders, server: ServerName): Promise<object> {
  const release = await deployedCommit(folders);
  const answer = await call(deployment, 'GET', '/');
  const { parts } = z.object({ parts: z.array(z.object({ name: z.string(), state: z.string() })) }).parse(answer);
  const running = parts.some(({ name, state }) => name === PART[server] && state === 'running');
  const state = release === null ? 'absent' : running ? 'running' : 'stopped';
  return { state, release, id: PART[server] };
}

async function control(deployment: Deployment, server: ServerName, action: string, body: object): Promise<void> {
  await call(deployment, 'POST', `/parts/${PART[server]}/${action}`, body);
}

async function call(
  { control: { url, token } }: Deployment,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`the sandbox answers ${response.status}: ${await response.text()}`);
  return response.json();
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});

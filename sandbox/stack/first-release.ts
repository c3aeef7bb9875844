import { existsSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { configOf, type Deployment } from '../app/deployment.ts';
import { deploymentFileOf, foldersOf, repositoryOf } from '../app/places.ts';
import { checkOut, FIRST_RELEASE, makeRepository } from '../app/release.ts';
import { writePrivate } from './home.ts';
import { ORIGIN } from './origin.ts';
import { appVariables, maintenanceToken, type StackEnvironment } from './settings.ts';
import type { StackContext } from './types.ts';

/**
 * Deploys the chatbot to its first server, as it was deployed one day, and tells what deploys it again where everything is. What a
 * recovery has deployed since stays; ports may be others than the last time, so the settings are written anew.
 */
export async function deployFirst(context: StackContext, env: StackEnvironment): Promise<void> {
  const { dir, ports, secrets } = context;
  await makeRepository(repositoryOf(dir));
  const deployment: Deployment = {
    control: { url: `http://127.0.0.1:${ports.control}`, token: secrets.control },
    ports: { primary: ports.app, backup: ports.appBackup },
    maintenanceToken: maintenanceToken(context),
    origins: [ORIGIN],
  };
  writePrivate(deploymentFileOf(dir), `${JSON.stringify(deployment, null, 2)}\n`);
  const folders = foldersOf(dir, 'primary');
  if (!existsSync(join(folders.current, 'release.json'))) await checkOut(repositoryOf(dir), folders, FIRST_RELEASE);
  writePrivate(
    folders.config,
    `${JSON.stringify(configOf(deployment, folders, 'primary', appVariables(env)), null, 2)}\n`,
  );
  for (const [server, part] of [
    ['primary', 'app'],
    ['backup', 'app-backup'],
  ] as const) {
    const link = join(dir, 'logs', `${server}.log`);
    await rm(link, { force: true });
    symlinkSync(`${part}.log`, link);
  }
}

import { join } from 'node:path';

/** The two servers of the chatbot, as the product's settings name them. */
export const SERVERS = ['primary', 'backup'] as const;
export type ServerName = (typeof SERVERS)[number];

export interface AppFolders {
  /** Everything of this server: settings, releases, what it was told. */
  readonly folder: string;
  readonly config: string;
  /** What is deployed: a link to one of the releases. */
  readonly current: string;
  readonly releases: string;
  /** Faults of the practice: read with every request. */
  readonly faults: string;
}

export function foldersOf(dir: string, server: ServerName): AppFolders {
  const folder = join(dir, server === 'primary' ? 'app' : 'app-backup');
  return {
    folder,
    config: join(folder, 'config.json'),
    current: join(folder, 'current'),
    releases: join(folder, 'releases'),
    faults: join(folder, 'faults.json'),
  };
}

/** The repository that releases are deployed from. */
export function repositoryOf(dir: string): string {
  return join(dir, 'app-releases');
}

/** Ports, tokens and names that a deployment needs besides the app's variables, kept beside the sandbox's other secrets. */
export function deploymentFileOf(dir: string): string {
  return join(dir, 'app-deployment.json');
}

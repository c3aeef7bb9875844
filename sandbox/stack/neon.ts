import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NeonOptions } from '../neon/settings.ts';
import { writePrivate } from './home.ts';
import { binDirOf, type PostgresPlan, ROLE } from './postgres.ts';
import type { StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

const script = fileURLToPath(new URL('../neon/main.ts', import.meta.url));
const PROJECT = 'sandbox-textbook-00000000';

/** How the product reaches the control plane. */
export interface NeonAccess {
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly projectId: string;
}

export interface NeonPlan extends PostgresPlan {
  readonly neon: NeonAccess;
  /** Where it takes its fault switches. */
  readonly faultsUrl: string;
}

/** Neon's control plane in the place of Postgres: the stack's database is its root branch. */
export function planNeon(context: StackContext): NeonPlan {
  const { ports, secrets, dir, options } = context;
  const binDir = binDirOf(context);
  const directory = join(dir, 'neon');
  mkdirSync(directory, { recursive: true });
  // Made of a secret that is kept already, so that sandboxes from before Neon keep theirs.
  const apiKey = createHash('sha256').update(`neon ${secrets.control}`).digest('hex');
  const settings: NeonOptions = {
    directory,
    binDir: binDir.path,
    apiKey,
    projectId: PROJECT,
    port: ports.neon,
    faultPort: ports.neonFaults,
    endpointPort: ports.neonEndpoint,
    role: ROLE,
    database: ROLE,
    rolePassword: secrets.postgres,
    // The app holds connections, which a suspended endpoint would drop.
    suspendTimeoutSeconds: -1,
  };
  const config = join(directory, 'config.json');
  writePrivate(config, JSON.stringify(settings));
  const faultsUrl = `http://127.0.0.1:${ports.neonFaults}`;
  const apiUrl = `http://127.0.0.1:${ports.neon}/api/v2`;
  return {
    name: 'neon',
    address: `127.0.0.1:${ports.neonEndpoint}`,
    source: `Neon's control plane on ${apiUrl}, over Postgres, ${binDir.from}`,
    url: `postgresql://${ROLE}:${secrets.postgres}@127.0.0.1:${ports.neonEndpoint}/${ROLE}`,
    binDir: binDir.path,
    archive: null,
    neon: { apiUrl, apiKey, projectId: PROJECT },
    faultsUrl,
    command: {
      program: process.execPath,
      args: [script, '--config', config],
      cwd: directory,
      env: { ...options.handedDown },
      stopSignal: 'SIGTERM',
    },
    // The switches' port opens last.
    ready: () => expectHttp(`${faultsUrl}/faults`),
  };
}

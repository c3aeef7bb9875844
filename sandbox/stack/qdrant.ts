import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram } from './find.ts';
import type { Command, PartPlan, StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

const front = fileURLToPath(new URL('../qdrant/server.py', import.meta.url));

export interface QdrantPlan extends PartPlan {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly readOnlyApiKey: string | undefined;
  /** Where the front takes its fault switches; null for a real server, which has none. */
  readonly faultsUrl: string | null;
}

/** One of the two: which folder, which ports, which keys. */
interface Which {
  readonly name: 'qdrant' | 'qdrant-standby';
  readonly folder: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly faultPort: number;
  readonly apiKey: string;
  readonly readOnlyApiKey: string;
}

/** Qdrant: a server that is given, the real one on PATH, or the real engine behind our REST front. */
export function planQdrant(context: StackContext): QdrantPlan {
  const { options, ports, secrets } = context;
  if (options.qdrant.url !== undefined) return externalQdrant(context, options.qdrant.url);
  return planOwn(context, {
    name: 'qdrant',
    folder: 'qdrant',
    port: ports.qdrant,
    grpcPort: ports.qdrantGrpc,
    faultPort: ports.qdrantFaults,
    apiKey: secrets.qdrant,
    readOnlyApiKey: secrets.qdrantReadOnly,
  });
}

/** A second one, empty, that may take the place of the first; none beside a server that is given. */
export function planStandby(context: StackContext): QdrantPlan | undefined {
  const { options, ports, secrets } = context;
  if (options.qdrant.url !== undefined) return undefined;
  // Made of a secret that is kept already, so that sandboxes from before it keep theirs.
  const keyOf = (what: string): string => createHash('sha256').update(`${what} ${secrets.control}`).digest('hex');
  return planOwn(context, {
    name: 'qdrant-standby',
    folder: 'qdrant-standby',
    port: ports.standby,
    grpcPort: ports.standbyGrpc,
    faultPort: ports.standbyFaults,
    apiKey: keyOf('standby'),
    readOnlyApiKey: keyOf('standby, reading'),
  });
}

function planOwn(context: StackContext, which: Which): QdrantPlan {
  const { options } = context;
  const { name, port, faultPort, apiKey, readOnlyApiKey } = which;
  const real = findProgram('qdrant', {
    configured: options.qdrant.program,
    variable: 'SANDBOX_QDRANT',
    searchPath: options.handedDown['PATH'] ?? '',
    provided: context.provided.bin,
  });
  const url = `http://127.0.0.1:${port}`;
  const { storage, snapshots } = foldersOf(context, which);
  for (const folder of [storage, snapshots]) mkdirSync(folder, { recursive: true });
  return {
    name,
    address: url,
    url,
    apiKey,
    readOnlyApiKey,
    faultsUrl: real ? null : `http://127.0.0.1:${faultPort}`,
    source: real ? `Qdrant, ${real.from}` : "Qdrant's engine behind the sandbox's front, provided",
    command: real ? realServer(context, which, real.path) : frontServer(context, which),
    ready: () => expectHttp(`${url}/readyz`),
  };
}

function foldersOf({ dir }: StackContext, { folder }: Which): { storage: string; snapshots: string } {
  return { storage: join(dir, folder, 'storage'), snapshots: join(dir, folder, 'snapshots') };
}

function externalQdrant({ options }: StackContext, url: string): QdrantPlan {
  return {
    name: 'qdrant',
    address: url,
    url,
    apiKey: options.qdrant.apiKey?.reveal(),
    readOnlyApiKey: options.qdrant.readOnlyApiKey?.reveal(),
    faultsUrl: null,
    source: 'given by SANDBOX_QDRANT_URL',
    ready: () => expectHttp(`${url}/readyz`),
  };
}

/** Keys go by environment, which others on the machine cannot list as they can arguments. */
function keys({ apiKey, readOnlyApiKey }: Which): Record<string, string> {
  return { QDRANT__SERVICE__API_KEY: apiKey, QDRANT__SERVICE__READ_ONLY_API_KEY: readOnlyApiKey };
}

function frontServer(context: StackContext, which: Which): Command {
  const { provided, options, dir } = context;
  const { storage, snapshots } = foldersOf(context, which);
  const flags = ['--host', '127.0.0.1', '--port', String(which.port), '--fault-port', String(which.faultPort)];
  return {
    program: provided.python,
    args: ['-u', front, ...flags, '--storage', storage, '--snapshots', snapshots],
    cwd: join(dir, which.folder),
    env: {
      ...options.handedDown,
      ...keys(which),
      ...(provided.pythonPath === null ? {} : { PYTHONPATH: provided.pythonPath }),
    },
    stopSignal: 'SIGTERM',
  };
}

function realServer(context: StackContext, which: Which, program: string): Command {
  const { options, dir } = context;
  const { storage, snapshots } = foldersOf(context, which);
  return {
    program,
    args: ['--disable-telemetry'],
    cwd: join(dir, which.folder),
    env: {
      ...options.handedDown,
      ...keys(which),
      QDRANT__SERVICE__HOST: '127.0.0.1',
      QDRANT__SERVICE__HTTP_PORT: String(which.port),
      QDRANT__SERVICE__GRPC_PORT: String(which.grpcPort),
      QDRANT__STORAGE__STORAGE_PATH: storage,
      QDRANT__STORAGE__SNAPSHOTS_PATH: snapshots,
    },
    stopSignal: 'SIGTERM',
  };
}

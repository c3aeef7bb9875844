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

/** Qdrant: a server that is given, the real one on PATH, or the real engine behind our REST front. */
export function planQdrant(context: StackContext): QdrantPlan {
  const { options, ports, secrets } = context;
  if (options.qdrant.url !== undefined) return externalQdrant(context, options.qdrant.url);
  const storage = join(context.dir, 'qdrant', 'storage');
  const snapshots = join(context.dir, 'qdrant', 'snapshots');
  for (const folder of [storage, snapshots]) mkdirSync(folder, { recursive: true });
  const real = findProgram('qdrant', {
    configured: options.qdrant.program,
    variable: 'SANDBOX_QDRANT',
    searchPath: options.handedDown['PATH'] ?? '',
    provided: context.provided.bin,
  });
  const url = `http://127.0.0.1:${ports.qdrant}`;
  return {
    name: 'qdrant',
    address: url,
    url,
    apiKey: secrets.qdrant,
    readOnlyApiKey: secrets.qdrantReadOnly,
    faultsUrl: real ? null : `http://127.0.0.1:${ports.qdrantFaults}`,
    source: real ? `Qdrant, ${real.from}` : "Qdrant's engine behind the sandbox's front, provided",
    command: real ? realServer(context, real.path, storage, snapshots) : frontServer(context, storage, snapshots),
    ready: () => expectHttp(`${url}/readyz`),
  };
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
function keys({ secrets }: StackContext): Record<string, string> {
  return {
    QDRANT__SERVICE__API_KEY: secrets.qdrant,
    QDRANT__SERVICE__READ_ONLY_API_KEY: secrets.qdrantReadOnly,
  };
}

function frontServer(context: StackContext, storage: string, snapshots: string): Command {
  const { ports, provided, options, dir } = context;
  const flags = ['--host', '127.0.0.1', '--port', String(ports.qdrant), '--fault-port', String(ports.qdrantFaults)];
  return {
    program: provided.python,
    args: ['-u', front, ...flags, '--storage', storage, '--snapshots', snapshots],
    cwd: join(dir, 'qdrant'),
    env: {
      ...options.handedDown,
      ...keys(context),
      ...(provided.pythonPath === null ? {} : { PYTHONPATH: provided.pythonPath }),
    },
    stopSignal: 'SIGTERM',
  };
}

function realServer(context: StackContext, program: string, storage: string, snapshots: string): Command {
  const { ports, options, dir } = context;
  return {
    program,
    args: ['--disable-telemetry'],
    cwd: join(dir, 'qdrant'),
    env: {
      ...options.handedDown,
      ...keys(context),
      QDRANT__SERVICE__HOST: '127.0.0.1',
      QDRANT__SERVICE__HTTP_PORT: String(ports.qdrant),
      QDRANT__SERVICE__GRPC_PORT: String(ports.qdrantGrpc),
      QDRANT__STORAGE__STORAGE_PATH: storage,
      QDRANT__STORAGE__SNAPSHOTS_PATH: snapshots,
    },
    stopSignal: 'SIGTERM',
  };
}

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { findProgram } from './find.ts';
import { missing } from './missing.ts';
import type { PartPlan, StackContext } from './types.ts';

/** What the runbooks write about themselves; a workflow that sets one that is not registered gets stuck. */
const SEARCH_ATTRIBUTES = {
  DrScenario: 'Keyword',
  DrEnvironment: 'Keyword',
  DrPhase: 'Keyword',
  DrOutcome: 'Keyword',
  DrVerdict: 'Keyword',
  DrDrill: 'Bool',
  DrRtoSeconds: 'Int',
};

export interface TemporalPlan extends PartPlan {
  readonly uiUrl: string;
}

/** Temporal's development server with its Web UI, keeping its runs in a file. */
export function planTemporal(context: StackContext): TemporalPlan {
  const { options, ports, provided, dir } = context;
  if (options.temporal.address !== undefined) return externalTemporal(context, options.temporal.address);
  const found = findProgram('temporal', {
    configured: options.temporal.program,
    variable: 'SANDBOX_TEMPORAL',
    searchPath: options.handedDown['PATH'] ?? '',
    provided: provided.bin,
  });
  if (!found) throw missing('temporal', 'SANDBOX_TEMPORAL');
  const cwd = join(dir, 'temporal');
  mkdirSync(cwd, { recursive: true });
  const address = `127.0.0.1:${ports.temporal}`;
  return {
    name: 'temporal',
    address,
    uiUrl: `http://127.0.0.1:${ports.temporalUi}`,
    source: `Temporal dev server, ${found.from}`,
    command: {
      program: found.path,
      args: serverFlags(context, join(cwd, 'temporal.db')),
      cwd,
      env: { ...options.handedDown },
      stopSignal: 'SIGTERM',
    },
    ready: () => expectNamespace(address, Object.keys(SEARCH_ATTRIBUTES)),
  };
}

function externalTemporal({ options }: StackContext, address: string): TemporalPlan {
  return {
    name: 'temporal',
    address,
    uiUrl: options.temporal.uiUrl ?? 'http://127.0.0.1:8233',
    source: 'given by SANDBOX_TEMPORAL_ADDRESS',
    // The worker registers the search attributes where they are missing.
    ready: () => expectNamespace(address, []),
  };
}

function serverFlags({ ports }: StackContext, file: string): string[] {
  const flags = [
    ['--ip', '127.0.0.1'],
    ['--port', String(ports.temporal)],
    ['--http-port', String(ports.temporalHttp)],
    ['--ui-port', String(ports.temporalUi)],
    ['--metrics-port', String(ports.temporalMetrics)],
    ['--db-filename', file],
    ['--log-level', 'warn'],
    ...Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
  return ['server', 'start-dev', '--ui-disable-news-fetch', ...flags.flat()];
}

/** The server answers before it has its namespace, and has its namespace before the search attributes: all are waited for. */
async function expectNamespace(address: string, attributes: readonly string[]): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.withDeadline(Date.now() + 2_000, async () => {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      const lacking = attributes.filter((name) => customAttributes[name] === undefined);
      if (lacking.length > 0) throw new Error(`search attributes not registered: ${lacking.join(', ')}`);
    });
  } finally {
    await connection.close();
  }
}

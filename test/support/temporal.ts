import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { registerSearchAttributes } from '../../workers/search-attributes.ts';
import { bundleWorkflowCode, DefaultLogger, Runtime, type WorkflowBundleWithSourceMap } from '@temporalio/worker';

/** A program of the sandbox: on PATH, else where provisioning puts it. */
export function program(name: string): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(process.cwd(), '.sandbox/python/bin')];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not here; \`npm test\` provisions it`);
  return found;
}

/** The real test server whose clock jumps over waits. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const server = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: program('temporal-test-server') } },
  });
  await registerSearchAttributes(server.connection, server.namespace ?? 'default');
  return server;
}

// A test says what went wrong; the engine's own account of it would drown that.
const quiet = new DefaultLogger('ERROR');
Runtime.install({
  logger: quiet,
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** The workflow bundle, made once per test file, exactly as the worker makes it. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({ workflowsPath: join(process.cwd(), 'workflows/index.ts'), logger: quiet });
  return bundle;
}

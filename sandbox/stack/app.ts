import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foldersOf, type ServerName } from '../app/places.ts';
import type { PartPlan, StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

const script = fileURLToPath(new URL('../app/main.ts', import.meta.url));

/** One of the two servers of the chatbot. What it runs, and with which settings, is what was deployed into its folder. */
export function planApp(context: StackContext, server: ServerName): PartPlan {
  const { ports, options, dir } = context;
  const { folder, config, current } = foldersOf(dir, server);
  mkdirSync(folder, { recursive: true });
  const url = `http://127.0.0.1:${server === 'primary' ? ports.app : ports.appBackup}`;
  return {
    name: server === 'primary' ? 'app' : 'app-backup',
    address: url,
    source: 'sandbox/app',
    command: {
      program: process.execPath,
      args: [script, '--config', config, '--release', join(current, 'release.json')],
      cwd: folder,
      env: { ...options.handedDown },
      stopSignal: 'SIGTERM',
    },
    ready: () => expectHttp(`${url}/health`),
  };
}

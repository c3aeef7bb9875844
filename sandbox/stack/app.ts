import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AppConfigFile } from '../app/config.ts';
import { writePrivate } from './home.ts';
import { maintenanceToken, type StackEnvironment } from './settings.ts';
import type { PartPlan, StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

const script = fileURLToPath(new URL('../app/main.ts', import.meta.url));

/** The small chatbot over both stores. */
export function planApp(context: StackContext, env: StackEnvironment): PartPlan {
  const { ports, options, dir } = context;
  const cwd = join(dir, 'app');
  mkdirSync(cwd, { recursive: true });
  const config = join(cwd, 'config.json');
  writePrivate(config, `${JSON.stringify(settings(context, env, cwd), null, 2)}\n`);
  const url = `http://127.0.0.1:${ports.app}`;
  return {
    name: 'app',
    address: url,
    source: 'sandbox/app',
    command: {
      program: process.execPath,
      args: [script, '--config', config],
      cwd,
      env: { ...options.handedDown },
      stopSignal: 'SIGTERM',
    },
    ready: () => expectHttp(`${url}/health`),
  };
}

function settings(context: StackContext, env: StackEnvironment, folder: string): AppConfigFile {
  const { QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME, DATABASE_URL, EMBEDDINGS_URL, EMBEDDINGS_MODEL } = env;
  return {
    port: context.ports.app,
    qdrant: { url: QDRANT_URL, collection: QDRANT_COLLECTION_NAME, ...(QDRANT_API_KEY && { apiKey: QDRANT_API_KEY }) },
    postgres: { url: DATABASE_URL },
    embeddings: { url: EMBEDDINGS_URL, model: EMBEDDINGS_MODEL },
    maintenance: {
      token: maintenanceToken(context),
      file: join(folder, 'mode.json'),
      vectors: join(folder, 'vectors.json'),
    },
  };
}

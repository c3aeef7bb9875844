import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PartPlan, StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

const script = fileURLToPath(new URL('../embeddings/main.ts', import.meta.url));

export interface EmbeddingsPlan extends PartPlan {
  /** Base of the API, as the product wants it. */
  readonly url: string;
}

/** The OpenAI-compatible endpoint over offline weights. */
export function planEmbeddings(context: StackContext): EmbeddingsPlan {
  const { options, ports, dir } = context;
  const given = options.embeddings.url;
  if (given !== undefined) {
    // No health route is common to such APIs: the first embedding will tell.
    const ready = (): Promise<void> => Promise.resolve();
    return { name: 'embeddings', address: given, url: given, source: 'given by SANDBOX_EMBEDDINGS_URL', ready };
  }
  // Shared by all sandboxes of the project: a text has the same vector in each.
  const cache = join(dir, '..', '..', 'cache', 'embeddings');
  mkdirSync(cache, { recursive: true });
  const base = `http://127.0.0.1:${ports.embeddings}`;
  return {
    name: 'embeddings',
    address: base,
    url: `${base}/v1`,
    source: 'offline weights, sandbox/embeddings',
    command: {
      program: process.execPath,
      args: [script, '--port', String(ports.embeddings), '--cache', cache],
      cwd: dir,
      env: { ...options.handedDown },
      stopSignal: 'SIGTERM',
    },
    ready: () => expectHttp(`${base}/health`),
  };
}

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repositoryOf, SERVERS, type ServerName } from '../app/places.ts';
import { ORIGIN } from './origin.ts';
import type { StackContext } from './types.ts';

const script = fileURLToPath(new URL('../app/deploy.ts', import.meta.url));

/** The chatbot's two servers, as the product's settings describe them: what deploys there, what sends the readers, what must hold. */
export function appServersOf(context: StackContext): object {
  const { dir, ports } = context;
  return {
    servers: Object.fromEntries(SERVERS.map((server) => [server, serverOf(context, server)])),
    traffic: { caddy: { adminUrl: `http://127.0.0.1:${ports.caddyAdmin}`, id: 'app-proxy' } },
    releases: { git: repositoryOf(dir), tags: 'v*' },
    variables: ['QDRANT_URL', 'QDRANT_COLLECTION_NAME', 'DATABASE_URL', 'EMBEDDINGS_URL', 'EMBEDDINGS_MODEL'],
    checks: {
      shallowHealth: '/health',
      endpoints: [
        { path: '/health', answers: { status: 'ok' } },
        {
          path: '/health/deep',
          answers: { 'checks.qdrant.ok': true, 'checks.postgres.ok': true, 'checks.embeddings.ok': true },
        },
        { method: 'POST', path: '/ask', body: {}, status: 400 },
        { path: '/sessions/00000000-0000-4000-8000-000000000000/messages', status: 404 },
        { path: '/metrics' },
      ],
      protected: [{ method: 'PUT', path: '/admin/mode', body: { mode: 'normal' } }, { path: '/admin/qdrant' }],
      session: { create: { method: 'POST', path: '/sessions', body: {} }, read: '/sessions/{{session}}/messages' },
      origin: ORIGIN,
      metrics: { series: 'app_requests_total' },
      logs: { run: ['tail', '-n', '500', join(dir, 'logs', '{server}.log')] },
      servedBy: 'x-served-by',
    },
    watch: {
      rounds: 3,
      everySeconds: 1,
      slowSeconds: 3,
      lookSeconds: 10,
      windowSeconds: 3,
      p95Seconds: 3,
      drainSeconds: 3,
    },
  };
}

function serverOf({ dir, ports }: StackContext, server: ServerName): object {
  const port = server === 'primary' ? ports.app : ports.appBackup;
  const program = [process.execPath, script, '--dir', dir, '--server', server];
  return {
    url: `http://127.0.0.1:${port}`,
    target: `127.0.0.1:${port}`,
    deploy: {
      command: {
        run: [{ run: [...program, '--ref', '{ref}'], timeoutSeconds: 120 }],
        find: { run: [...program, '--find'], timeoutSeconds: 30 },
        stop: [{ run: [...program, '--stop'], timeoutSeconds: 60 }],
        stateFile: join(dir, `deployed-${server}.json`),
        pollSeconds: 0.5,
      },
    },
  };
}

import type { FastifyInstance } from 'fastify';

export interface Observed {
  readonly server: string;
  readonly release: string;
  /** Origins whose pages may ask. */
  readonly origins: readonly string[];
}

/** What people watch the app by: whose answer it is, a line for every marked request, and Prometheus' text. CORS besides. */
export function observe(app: FastifyInstance, { server, release, origins }: Observed): void {
  const counts = new Map<string, number>();
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-served-by', server).header('x-release', release);
    const { origin } = request.headers;
    if (origin === undefined || !origins.includes(origin)) return;
    void reply.header('access-control-allow-origin', origin).header('vary', 'origin');
    if (request.method !== 'OPTIONS') return;
    await reply
      .header('access-control-allow-methods', 'GET, POST, PUT')
      .header('access-control-allow-headers', 'content-type, authorization')
      .code(204)
      .send();
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const key = `app_requests_total{route="${route}",status="${reply.statusCode}"}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    const id = request.headers['x-request-id'];
    if (typeof id === 'string')
      console.log(JSON.stringify({ request: id.slice(0, 200), route, status: reply.statusCode }));
  });
  app.options('/*', (_request, reply) => reply.code(204).send());
  app.get('/metrics', (_request, reply) => {
    const lines = [...counts].map(([key, count]) => `${key} ${count}`);
    return reply.type('text/plain; version=0.0.4').send(`# TYPE app_requests_total counter\n${lines.join('\n')}\n`);
  });
}

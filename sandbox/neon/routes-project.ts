import type { FastifyInstance } from 'fastify';
import { OperationAction } from '@neondatabase/api-client';
import { z } from 'zod';
import { connectionUri } from './catalog.ts';
import { describeProject } from './describe.ts';
import { badRequest } from './errors.ts';
import type { Change } from './routes.ts';
import type { Plane } from './plane.ts';
import { now } from './ids.ts';

const LARGEST_PAGE = 1_000;
const flag = z.stringbool().optional();

const changeSchema = z.object({
  project: z.object({
    name: z.string().min(1).optional(),
    history_retention_seconds: z.int().min(0).optional(),
  }),
});

const pageSchema = z.object({
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(LARGEST_PAGE),
});

const uriSchema = z.object({
  branch_id: z.string().optional(),
  endpoint_id: z.string().optional(),
  database_name: z.string().min(1),
  role_name: z.string().min(1),
  pooled: flag,
});

/** The project itself, its operations, and how to connect. Paths are relative to the project. */
export function addProjectRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  server.get('/', () => ({ project: describeProject(plane) }));
  server.patch('/', (request) => {
    const { project } = changeSchema.parse(request.body);
    return change(() => changeProject(plane, project));
  });
  server.get('/operations', (request) => {
    const { cursor, limit } = pageSchema.parse(request.query);
    const page = plane.operations.list(cursor, limit);
    return {
      operations: page.operations,
      ...(page.cursor === undefined ? {} : { pagination: { cursor: page.cursor } }),
    };
  });
  server.get('/operations/:operation', (request) => {
    const { operation } = z.object({ operation: z.string() }).parse(request.params);
    return { operation: plane.operations.get(operation) };
  });
  server.get('/connection_uri', async (request) => ({
    uri: await connectionUri(plane, uriSchema.parse(request.query)),
  }));
}

function changeProject(plane: Plane, wish: z.infer<typeof changeSchema>['project']): object {
  const { project } = plane.state;
  const seconds = wish.history_retention_seconds;
  if (seconds !== undefined && seconds > plane.limits.historySeconds) {
    throw badRequest(`history_retention_seconds is limited to ${plane.limits.historySeconds} by the plan`);
  }
  project.name = wish.name ?? project.name;
  project.updatedAt = now();
  const changes = seconds !== undefined && seconds !== project.historyRetentionSeconds;
  project.historyRetentionSeconds = seconds ?? project.historyRetentionSeconds;
  plane.store.save();
  const step = { action: OperationAction.ApplyStorageConfig, work: { kind: 'nothing' } as const };
  const operations = changes ? plane.operations.begin([step]) : [];
  return { project: describeProject(plane), operations };
}

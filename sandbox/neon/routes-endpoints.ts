import { EndpointType, type Operation } from '@neondatabase/api-client';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeEndpoint } from './describe.ts';
import { addEndpoint, startStep, suspendStep } from './endpoints.ts';
import { notFound, notProvided } from './errors.ts';
import { now } from './ids.ts';
import { branchOf, endpointOf, endpointsOf, type Plane, readyBranchOf } from './plane.ts';
import type { Change } from './routes.ts';
import type { EndpointRecord } from './state.ts';

const cu = z.number().min(0.25).optional();
const timeout = z.int().min(-1).max(604_800).optional();

const settings = z.looseObject({}).optional();

export const endpointWishSchema = z.object({
  type: z.enum(EndpointType),
  settings,
  autoscaling_limit_min_cu: cu,
  autoscaling_limit_max_cu: cu,
  suspend_timeout_seconds: timeout,
});

const createSchema = z.object({
  endpoint: endpointWishSchema.extend({
    branch_id: z.string(),
    disabled: z.boolean().optional(),
    name: z.string().optional(),
  }),
});

const changeSchema = z.object({
  endpoint: z.object({
    branch_id: z.string().optional(),
    disabled: z.boolean().optional(),
    suspend_timeout_seconds: timeout,
    autoscaling_limit_min_cu: cu,
    autoscaling_limit_max_cu: cu,
    name: z.string().optional(),
  }),
});

/** Endpoints. Paths are relative to the project. */
export function addEndpointRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  const of = (params: unknown): string => z.object({ endpoint: z.string() }).parse(params).endpoint;
  const answer = (endpoint: EndpointRecord, operations: Operation[]): object => ({
    endpoint: describeEndpoint(plane, endpoint),
    operations,
  });
  const list = (branch?: string): object => ({
    endpoints: endpointsOf(plane, branch).map((one) => describeEndpoint(plane, one)),
  });
  server.get('/endpoints', () => list());
  server.get('/branches/:branch/endpoints', (request) => {
    const { branch } = z.object({ branch: z.string() }).parse(request.params);
    return list(branchOf(plane, branch).id);
  });
  server.post('/endpoints', async (request, reply) => {
    const { branch_id: branch, ...wish } = createSchema.parse(request.body).endpoint;
    const made = await change(async () => {
      const endpoint = await addEndpoint(plane, readyBranchOf(plane, branch).id, wish);
      return answer(endpoint, plane.operations.begin([startStep(endpoint)]));
    });
    return reply.code(201).send(made);
  });
  server.get('/endpoints/:endpoint', (request) => ({
    endpoint: describeEndpoint(plane, endpointOf(plane, of(request.params))),
  }));
  server.patch('/endpoints/:endpoint', (request) =>
    change(() => answer(changeEndpoint(plane, of(request.params), changeSchema.parse(request.body).endpoint), [])),
  );
  server.delete('/endpoints/:endpoint', async (request, reply) => {
    const done = await change(() => deleteEndpoint(plane, of(request.params)));
    return done ? answer(done.endpoint, done.operations) : reply.code(204).send();
  });
  const actions = { start: [startStep], suspend: [suspendStep], restart: [suspendStep, startStep] };
  for (const [name, steps] of Object.entries(actions)) {
    server.post(`/endpoints/:endpoint/${name}`, (request) =>
      change(() => {
        const endpoint = endpointOf(plane, of(request.params));
        return answer(endpoint, plane.operations.begin(steps.map((step) => step(endpoint))));
      }),
    );
  }
}

function changeEndpoint(plane: Plane, id: string, wish: z.infer<typeof changeSchema>['endpoint']): EndpointRecord {
  const endpoint = endpointOf(plane, id);
  if (wish.branch_id !== undefined && wish.branch_id !== endpoint.branch) {
    throw notProvided('moving an endpoint to another branch (which Neon has deprecated)');
  }
  endpoint.disabled = wish.disabled ?? endpoint.disabled;
  endpoint.suspendTimeoutSeconds = wish.suspend_timeout_seconds ?? endpoint.suspendTimeoutSeconds;
  endpoint.minCu = wish.autoscaling_limit_min_cu ?? endpoint.minCu;
  endpoint.maxCu = wish.autoscaling_limit_max_cu ?? endpoint.maxCu;
  endpoint.name = wish.name ?? endpoint.name;
  endpoint.updatedAt = now();
  plane.store.save();
  return endpoint;
}

function deleteEndpoint(plane: Plane, id: string): { endpoint: EndpointRecord; operations: Operation[] } | undefined {
  const endpoint = plane.state.endpoints[id];
  if (!endpoint) throw notFound(`endpoint ${id}`);
  if (endpoint.deleted) return undefined;
  endpoint.deleted = true;
  const operations = plane.operations.begin([suspendStep(endpoint)]);
  void plane.addresses.close(endpoint);
  return { endpoint, operations };
}

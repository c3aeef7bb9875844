import type { Branch } from '@neondatabase/api-client';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { changeBranch, createBranch, type Created, deleteBranch } from './branches.ts';
import { connectionDetails, databasesOf, rolesOf } from './catalog.ts';
import { describeBranch, describeEndpoint } from './describe.ts';
import { endpointWishSchema } from './routes-endpoints.ts';
import { branchOf, livingBranches, type Plane } from './plane.ts';
import type { Change } from './routes.ts';

const flag = z.stringbool().optional();
const name = z.string().min(1).max(256);

const createSchema = z.object({
  endpoints: z.array(endpointWishSchema).default([]),
  branch: z
    .object({
      parent_id: z.string().optional(),
      name: name.optional(),
      parent_lsn: z.string().optional(),
      parent_timestamp: z.string().optional(),
      protected: z.boolean().optional(),
      archived: z.boolean().optional(),
      init_source: z.string().optional(),
      expires_at: z.string().optional(),
    })
    .default({}),
});

const changeSchema = z.object({
  branch: z.object({
    name: name.optional(),
    protected: z.boolean().optional(),
    expires_at: z.string().nullish(),
  }),
});

const listSchema = z.object({
  search: z.string().optional(),
  sort_by: z.enum(['name', 'created_at', 'updated_at']).default('updated_at'),
  sort_order: z.enum(['asc', 'desc']).default('desc'),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  include_deleted: flag,
});

const branchParam = z.object({ branch: z.string() });

/** Branches. Paths are relative to the project. */
export function addBranchRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  const of = (params: unknown): string => branchParam.parse(params).branch;
  server.get('/branches', (request) => listBranches(plane, listSchema.parse(request.query)));
  server.get('/branches/count', (request) => {
    const { search } = z.object({ search: z.string().optional() }).parse(request.query);
    return { count: matching(plane, search, false).length };
  });
  server.post('/branches', async (request, reply) => {
    const { branch, endpoints } = createSchema.parse(request.body ?? {});
    const answer = await change(async () => describeCreated(plane, await createBranch(plane, branch, endpoints)));
    return reply.code(201).send(answer);
  });
  server.get('/branches/:branch', (request) => {
    const branch = branchOf(plane, of(request.params));
    return {
      branch: describeBranch(plane, branch),
      annotation: { object: { type: 'console/branch', id: branch.id }, value: {} },
    };
  });
  server.patch('/branches/:branch', (request) => {
    const wish = changeSchema.parse(request.body).branch;
    return { branch: describeBranch(plane, changeBranch(plane, of(request.params), wish)), operations: [] };
  });
  server.delete('/branches/:branch', async (request, reply) => {
    const { hard_delete: hard } = z.object({ hard_delete: flag }).parse(request.query);
    const done = await change(() => deleteBranch(plane, of(request.params), { hard: hard ?? false }));
    if (!done) return reply.code(204).send();
    return { branch: describeBranch(plane, done.branch), operations: done.operations };
  });
}

async function describeCreated(plane: Plane, { branch, endpoints, operations }: Created): Promise<object> {
  const parent = branchOf(plane, branch.parent ?? '');
  const own = { branch_id: branch.id, created_at: branch.createdAt, updated_at: branch.updatedAt };
  const roles = (await rolesOf(plane, parent)).map((role) => ({ ...role, ...own }));
  const databases = (await databasesOf(plane, parent)).map((database) => ({ ...database, ...own }));
  // Children of a protected branch get other passwords, which are known when its operations are through.
  const passwordFor = (role: string): string | undefined =>
    parent.protected ? undefined : plane.timelines.passwordOf(parent.timeline, role);
  return {
    branch: describeBranch(plane, branch),
    endpoints: endpoints.map((one) => describeEndpoint(plane, one)),
    operations,
    roles,
    databases,
    ...connectionDetails(endpoints[0], roles, databases, passwordFor),
  };
}

function matching(plane: Plane, search: string | undefined, deleted: boolean): Branch[] {
  const branches = deleted ? Object.values(plane.state.branches) : livingBranches(plane);
  return branches
    .filter(({ id, name: own }) => search === undefined || id === search || own.includes(search))
    .map((branch) => describeBranch(plane, branch));
}

function listBranches(plane: Plane, wish: z.infer<typeof listSchema>): object {
  const { sort_by, sort_order, cursor, limit } = wish;
  const sign = sort_order === 'asc' ? 1 : -1;
  const all = matching(plane, wish.search, wish.include_deleted ?? false).sort(
    (a, b) => sign * (a[sort_by] < b[sort_by] ? -1 : a[sort_by] > b[sort_by] ? 1 : 0),
  );
  const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
  const branches = all.slice(from, from + limit);
  const next = from + limit < all.length ? branches.at(-1)?.id : undefined;
  return {
    branches,
    annotations: {},
    pagination: { sort_by, sort_order: sort_order.toUpperCase(), ...(next === undefined ? {} : { next }) },
  };
}

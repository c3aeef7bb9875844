import { OperationAction } from '@neondatabase/api-client';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { databasesOf, passwordOf, roleOf, rolesOf } from './catalog.ts';
import { notFound } from './errors.ts';
import { newPassword } from './ids.ts';
import { type Plane, readyBranchOf } from './plane.ts';
import type { Change } from './routes.ts';

const roleParams = z.object({ branch: z.string(), role: z.string() });
const databaseParams = z.object({ branch: z.string(), database: z.string() });
const branchParams = z.object({ branch: z.string() });

/** Roles and databases of a branch. Paths are relative to the project. */
export function addRoleRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  const branchIn = (params: unknown) => readyBranchOf(plane, branchParams.parse(params).branch);
  server.get('/branches/:branch/roles', async (request) => ({ roles: await rolesOf(plane, branchIn(request.params)) }));
  server.get('/branches/:branch/roles/:role', async (request) => {
    const { role } = roleParams.parse(request.params);
    return { role: await roleOf(plane, branchIn(request.params), role) };
  });
  server.get('/branches/:branch/roles/:role/reveal_password', async (request) => {
    const { role } = roleParams.parse(request.params);
    return { password: await passwordOf(plane, branchIn(request.params), role) };
  });
  server.post('/branches/:branch/roles/:role/reset_password', (request) =>
    change(async () => {
      const branch = branchIn(request.params);
      const role = await roleOf(plane, branch, roleParams.parse(request.params).role);
      const password = newPassword();
      // The old one holds until the operation is through.
      const work = { kind: 'passwords', timeline: branch.timeline, passwords: { [role.name]: password } } as const;
      const operations = plane.operations.begin([{ action: OperationAction.ApplyConfig, work, branch: branch.id }]);
      return { role: { ...role, password }, operations };
    }),
  );
  server.get('/branches/:branch/databases', async (request) => ({
    databases: await databasesOf(plane, branchIn(request.params)),
  }));
  server.get('/branches/:branch/databases/:database', async (request) => {
    const wanted = databaseParams.parse(request.params).database;
    const database = (await databasesOf(plane, branchIn(request.params))).find(({ name }) => name === wanted);
    if (!database) throw notFound(`database ${wanted}`);
    return { database };
  });
}

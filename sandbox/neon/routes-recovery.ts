import type { Branch } from '@neondatabase/api-client';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { recoverBranch } from './branches.ts';
import { describeBranch, describeEndpoint } from './describe.ts';
import { now } from './ids.ts';
import { endpointsOf, livingBranches, type Plane, readyBranchOf } from './plane.ts';
import { restoreBranch } from './restore.ts';
import type { Change } from './routes.ts';
import { schemaOf } from './schema.ts';

const restoreSchema = z.object({
  source_branch_id: z.string().min(1),
  source_lsn: z.string().optional(),
  source_timestamp: z.string().optional(),
  preserve_under_name: z.string().min(1).max(256).optional(),
});

const schemaSchema = z.object({
  db_name: z.string().min(1),
  lsn: z.string().optional(),
  timestamp: z.string().optional(),
  format: z.enum(['sql', 'json']).default('sql'),
});

/** What brings a branch back, and shows it as it was. Paths are relative to the project. */
export function addRecoveryRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  const of = (params: unknown): string => z.object({ branch: z.string() }).parse(params).branch;
  server.post('/branches/:branch/restore', (request) => {
    const wish = restoreSchema.parse(request.body);
    return change(async () => {
      const { branch, operations } = await restoreBranch(plane, of(request.params), wish);
      return { branch: describeBranch(plane, branch), operations };
    });
  });
  server.post('/branches/:branch/recover', (request) =>
    change(async () => {
      const branch = await recoverBranch(plane, of(request.params));
      const endpoints = endpointsOf(plane, branch.id).map((one) => describeEndpoint(plane, one));
      return { branch: describeBranch(plane, branch), endpoints };
    }),
  );
  server.post('/branches/:branch/set_as_default', (request) =>
    change(() => ({ branch: setDefault(plane, of(request.params)), operations: [] })),
  );
  server.get('/branches/:branch/schema', (request) => {
    const { db_name: database, format, ...asked } = schemaSchema.parse(request.query);
    return schemaOf(plane, of(request.params), database, asked, format);
  });
}

function setDefault(plane: Plane, id: string): Branch {
  const branch = readyBranchOf(plane, id);
  for (const one of livingBranches(plane)) one.default = one.id === id;
  branch.updatedAt = now();
  plane.store.save();
  return describeBranch(plane, branch);
}

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeProject } from './describe.ts';
import { locked, notFound } from './errors.ts';
import { BASE, buildHttp, type Turn } from './http.ts';
import type { Plane } from './plane.ts';
import { addBranchRoutes } from './routes-branches.ts';
import { addEndpointRoutes } from './routes-endpoints.ts';
import { addProjectRoutes } from './routes-project.ts';
import { addRecoveryRoutes } from './routes-recovery.ts';
import { addRoleRoutes } from './routes-roles.ts';
import { addSnapshotRoutes } from './routes-snapshots.ts';

/** Runs a change when no other runs and no chain of operations is under way; 423 while one is. */
export type Change = <T>(work: () => Promise<T> | T) => Promise<T>;

/** The whole API. `turn` is shared with what changes things by itself. */
export function buildApi(plane: Plane, turn: Turn): FastifyInstance {
  const server = buildHttp(plane.settings.apiKey, plane.faults);
  const change: Change = (work) =>
    turn.take(() => {
      if (plane.operations.busy) throw locked();
      return work();
    });
  const { id } = plane.state.project;
  server.get(`${BASE}/auth`, () => ({ account_id: 'sandbox-owner', auth_method: 'api_key_user' }));
  server.get(`${BASE}/projects`, () => ({ projects: [describeProject(plane)], pagination: { cursor: id } }));
  void server.register(
    async (project) => {
      project.addHook('onRequest', async (request) => {
        const { project: asked } = z.object({ project: z.string() }).parse(request.params);
        if (asked !== id) throw notFound(`project ${asked}`);
      });
      for (const add of [
        addProjectRoutes,
        addBranchRoutes,
        addRecoveryRoutes,
        addEndpointRoutes,
        addRoleRoutes,
        addSnapshotRoutes,
      ]) {
        add(project, plane, change);
      }
    },
    { prefix: `${BASE}/projects/:project` },
  );
  return server;
}

import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { describeBranch } from './describe.ts';
import { badRequest } from './errors.ts';
import { branchOf, type Plane } from './plane.ts';
import { present } from './present.ts';
import type { Change } from './routes.ts';
import { createSnapshot, deleteSnapshot, finalizeRestore, restoreSnapshot, snapshotOf } from './snapshots.ts';

const LONGEST_RETENTION_SECONDS = 3_024_000;

const wishSchema = z.object({
  lsn: z.string().optional(),
  timestamp: z.string().optional(),
  name: z.string().min(1).optional(),
  expires_at: z.string().optional(),
});

const changeSchema = z.object({
  snapshot: z.object({ name: z.string().min(1).optional(), expires_at: z.string().nullish() }),
});

const restoreSchema = z.object({
  name: z.string().min(1).optional(),
  target_branch_id: z.string().optional(),
  finalize_restore: z.boolean().optional(),
});

const scheduleSchema = z.object({
  schedule: z.array(
    z.object({
      frequency: z.enum(['daily', 'weekly', 'monthly']),
      hour: z.int().min(0).max(23).optional(),
      day: z.int().min(1).max(31).optional(),
      month: z.int().min(1).max(12).optional(),
      retention_seconds: z.int().min(3_600).max(LONGEST_RETENTION_SECONDS).optional(),
    }),
  ),
});

/** Snapshots, their schedule and their restores. Paths are relative to the project. */
export function addSnapshotRoutes(server: FastifyInstance, plane: Plane, change: Change): void {
  const branchIn = (params: unknown): string => z.object({ branch: z.string() }).parse(params).branch;
  const snapshotIn = (params: unknown): string => z.object({ snapshot: z.string() }).parse(params).snapshot;
  server.post('/branches/:branch/snapshot', (request) => {
    // They go in the query; a body is what another page of Neon's documentation shows.
    const wish = wishSchema.parse({ ...(request.body ?? {}), ...z.looseObject({}).parse(request.query) });
    return change(() => createSnapshot(plane, branchIn(request.params), wish));
  });
  server.get('/snapshots', () => ({ snapshots: Object.values(plane.state.snapshots).map(({ snapshot }) => snapshot) }));
  server.patch('/snapshots/:snapshot', (request) => {
    const { name, expires_at: expiry } = changeSchema.parse(request.body).snapshot;
    const { snapshot } = snapshotOf(plane, snapshotIn(request.params));
    if (name !== undefined) snapshot.name = name;
    if (expiry === null) Reflect.deleteProperty(snapshot, 'expires_at');
    else if (expiry !== undefined) snapshot.expires_at = expiry;
    plane.store.save();
    return { snapshot };
  });
  server.delete('/snapshots/:snapshot', async (request, reply) => {
    const operations = await change(() => deleteSnapshot(plane, snapshotIn(request.params)));
    return reply.code(202).send({ operations });
  });
  server.post('/snapshots/:snapshot/restore', (request) => {
    const { name } = z.object({ name: z.string().min(1).optional() }).parse(request.query);
    const wish = restoreSchema.parse({ ...(name === undefined ? {} : { name }), ...(request.body ?? {}) });
    return change(async () => {
      const { branch, operations } = await restoreSnapshot(plane, snapshotIn(request.params), wish);
      return { branch: describeBranch(plane, branch), operations };
    });
  });
  server.post('/branches/:branch/finalize_restore', (request) => {
    const { name } = z.object({ name: z.string().min(1).optional() }).parse(request.body ?? {});
    return change(() => ({ operations: finalizeRestore(plane, branchIn(request.params), name) }));
  });
  server.get('/branches/:branch/backup_schedule', (request) => ({
    schedule: plane.state.schedules[branchOf(plane, branchIn(request.params)).id] ?? [],
  }));
  server.put('/branches/:branch/backup_schedule', (request) => {
    const branch = branchOf(plane, branchIn(request.params));
    if (branch.parent !== null) throw badRequest('only root branches can have a backup schedule');
    plane.state.schedules[branch.id] = scheduleSchema
      .parse(request.body)
      .schedule.map(({ frequency, ...rest }) => ({ frequency, ...present(rest) }));
    plane.store.save();
    return {};
  });
}

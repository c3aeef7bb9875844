import { EndpointType } from '@neondatabase/api-client';
import { blankBranch } from './branches.ts';
import type { Cluster } from './cluster.ts';
import { addEndpoint, startStep } from './endpoints.ts';
import { newPassword, now } from './ids.ts';
import type { Plane } from './plane.ts';
import type { NeonSettings } from './settings.ts';
import type { State } from './state.ts';

export function initialState({ projectId, historyRetentionSeconds }: NeonSettings): State {
  const at = now();
  return {
    version: 1,
    adminPassword: newPassword(),
    project: { id: projectId, name: 'sandbox', historyRetentionSeconds, createdAt: at, updatedAt: at },
    timelines: {},
    branches: {},
    endpoints: {},
    snapshots: {},
    schedules: {},
    operations: [],
  };
}

/** Makes what a new project has: the root branch `main` with a role, a database and an endpoint. */
export async function foundProject(plane: Plane): Promise<void> {
  const { settings, state, timelines } = plane;
  for (const id of Object.keys(state.timelines)) Reflect.deleteProperty(state.timelines, id);
  const timeline = timelines.plan(null, now());
  const password = settings.rolePassword ?? newPassword();
  await timelines.buildFirst(timeline.id, (cluster) => prepare(cluster, settings, password));
  timeline.passwords = [{ role: settings.role, password, lsn: '0/0' }];
  const branch = { ...blankBranch(timeline.id, 'main'), default: true, state: 'ready' as const };
  state.branches[branch.id] = branch;
  const wish = { type: EndpointType.ReadWrite, suspend_timeout_seconds: settings.suspendTimeoutSeconds };
  const endpoint = await addEndpoint(plane, branch.id, wish, settings.endpointPort || undefined);
  plane.operations.begin([startStep(endpoint)]);
}

/** Neon's owner of a project is no superuser, but may create roles and databases, replicate and read everything. */
async function prepare(cluster: Cluster, { role, database }: NeonSettings, password: string): Promise<void> {
  await cluster.session(async (client) => {
    await client.query('create role neon_superuser createdb createrole bypassrls replication nologin');
    await client.query('grant pg_read_all_data, pg_write_all_data to neon_superuser');
    const rights = 'login createdb createrole bypassrls replication in role neon_superuser';
    await client.query(
      `create role ${client.escapeIdentifier(role)} ${rights} password ${client.escapeLiteral(password)}`,
    );
    await client.query(`create database ${client.escapeIdentifier(database)} owner ${client.escapeIdentifier(role)}`);
  });
}

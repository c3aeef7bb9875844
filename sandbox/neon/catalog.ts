import { type ConnectionDetails, type Database, EndpointType, type Role } from '@neondatabase/api-client';
import { ADMIN } from './cluster.ts';
import { NeonError, notFound, notProvided } from './errors.ts';
import { branchOf, endpointOf, endpointsOf, livingBranches, type Plane } from './plane.ts';
import type { BranchRecord, EndpointRecord } from './state.ts';

/** Roles that people log in with, as the branch's cluster has them. */
export async function rolesOf({ timelines }: Plane, branch: BranchRecord): Promise<Role[]> {
  const sql =
    "select rolname as name from pg_roles where rolcanlogin and rolname not like 'pg\\_%' and rolname <> $1 order by 1";
  const rows = await timelines.use(branch.timeline, (cluster) => cluster.query(sql, [ADMIN]));
  return rows.map(({ name }) => ({
    branch_id: branch.id,
    name: String(name),
    protected: false,
    created_at: branch.createdAt,
    updated_at: branch.updatedAt,
  }));
}

export async function databasesOf({ timelines }: Plane, branch: BranchRecord): Promise<Database[]> {
  const sql =
    'select oid::int as id, datname as name, pg_get_userbyid(datdba) as owner from pg_database ' +
    "where not datistemplate and datname <> 'postgres' order by oid";
  const rows = await timelines.use(branch.timeline, (cluster) => cluster.query(sql));
  return rows.map(({ id, name, owner }) => ({
    id: Number(id),
    branch_id: branch.id,
    name: String(name),
    owner_name: String(owner),
    created_at: branch.createdAt,
    updated_at: branch.updatedAt,
  }));
}

/** @throws NeonError 404 */
export async function roleOf(plane: Plane, branch: BranchRecord, name: string): Promise<Role> {
  const found = (await rolesOf(plane, branch)).find((role) => role.name === name);
  if (!found) throw notFound(`role ${name}`);
  return found;
}

/** @throws NeonError 404, and 412 while the project does not store passwords */
export async function passwordOf(plane: Plane, branch: BranchRecord, name: string): Promise<string> {
  if (plane.faults.take('no-passwords')) throw new NeonError(412, 'storing passwords is disabled for this project');
  await roleOf(plane, branch, name);
  const password = plane.timelines.passwordOf(branch.timeline, name);
  if (password === undefined) throw notFound(`password of role ${name}`);
  return password;
}

const uriOf = ({ port }: EndpointRecord, role: string, password: string, database: string): string =>
  `postgresql://${encodeURIComponent(role)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

interface UriWish {
  readonly branch_id?: string | undefined;
  readonly endpoint_id?: string | undefined;
  readonly database_name: string;
  readonly role_name: string;
  readonly pooled?: boolean | undefined;
}

/** @throws NeonError 404, 412, 501 */
export async function connectionUri(plane: Plane, wish: UriWish): Promise<string> {
  if (wish.pooled) throw notProvided('pooled connections');
  const branch = branchFor(plane, wish);
  const endpoint = endpointFor(plane, branch, wish.endpoint_id);
  const databases = await databasesOf(plane, branch);
  if (!databases.some(({ name }) => name === wish.database_name)) throw notFound(`database ${wish.database_name}`);
  return uriOf(endpoint, wish.role_name, await passwordOf(plane, branch, wish.role_name), wish.database_name);
}

function branchFor(plane: Plane, { branch_id, endpoint_id }: UriWish): BranchRecord {
  if (branch_id !== undefined) return branchOf(plane, branch_id);
  if (endpoint_id !== undefined) return branchOf(plane, endpointOf(plane, endpoint_id).branch);
  const found = livingBranches(plane).find((one) => one.default);
  if (!found) throw notFound('default branch');
  return found;
}

function endpointFor(plane: Plane, branch: BranchRecord, id: string | undefined): EndpointRecord {
  const endpoints = endpointsOf(plane, branch.id);
  const found =
    id === undefined
      ? endpoints.find(({ type }) => type === EndpointType.ReadWrite)
      : endpoints.find((one) => one.id === id);
  if (!found) throw notFound(id === undefined ? `read-write endpoint of branch ${branch.id}` : `endpoint ${id}`);
  return found;
}

/** How to connect, when there is exactly one way: one role, one database and an endpoint. */
export function connectionDetails(
  endpoint: EndpointRecord | undefined,
  roles: readonly Role[],
  databases: readonly Database[],
  passwordFor: (role: string) => string | undefined,
): { connection_uris?: ConnectionDetails[] } {
  const [role, otherRole] = roles;
  const [database, otherDatabase] = databases;
  const password = role && passwordFor(role.name);
  if (!endpoint || !role || !database || otherRole || otherDatabase || password === undefined) return {};
  const host = `127.0.0.1:${endpoint.port}`;
  const parameters = { database: database.name, password, role: role.name, host, pooler_host: host };
  const uri = uriOf(endpoint, role.name, password, database.name);
  return { connection_uris: [{ connection_uri: uri, connection_parameters: parameters }] };
}

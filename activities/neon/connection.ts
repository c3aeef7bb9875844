import { Secret } from '../../config/secret.ts';
import type { Work } from '../progress.ts';
import type { Branch, Endpoint } from './answers.ts';
import type { NeonClient } from './client.ts';
import { ensureEndpoint } from './compute.ts';
import { NeonFailure } from './failure.ts';
import { ready, settle } from './settle.ts';
import { PREFIX, RECOVERY_PREFIX } from './source.ts';
import type { Tools } from './tools.ts';

/** Who reads what. */
interface Login {
  readonly role: string;
  readonly database: string;
}

/** How strictly TLS is checked. All else of an address belongs to the branch it leads to: `options` may name an endpoint. */
const KEPT = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'channel_binding'];

/**
 * The direct address of a backup's branch, with the password that holds there: children of a protected branch have
 * passwords of their own. Role, database and TLS are those of the app's address, where there is one.
 * @throws NEON_UNREACHABLE, NEON_BUSY, NEON_DENIED, NEON_REFUSED
 */
export async function connectionUrlOf(tools: Tools, branchId: string, work: Work): Promise<Secret> {
  const client = tools.client.until({ signal: work.signal });
  const waiter = { client, patience: tools.patience };
  const branch = await ready(waiter, branchId, work.signal);
  if (![PREFIX, RECOVERY_PREFIX].some((prefix) => branch.name.startsWith(prefix)))
    throw new NeonFailure('NEON_REFUSED', `Neon: the branch ${branch.name} (${branchId}) is none of a backup`);
  const endpoint = await ensureEndpoint(tools, client, branchId, work);
  const login = loginOf(tools.url) ?? (await onlyLogin(client, branch));
  const own = await ownUri(client, branch, endpoint, login);
  const uri = own ?? (await withoutStoredPassword(tools, client, { branch, endpoint, login }, work));
  return aimed(uri, endpoint, tools.url);
}

/** Who an address lets in, and where. */
export function loginOf(url: Secret | undefined): Login | undefined {
  if (!url) return undefined;
  const { username, pathname } = new URL(url.reveal());
  const [role, database] = [decodeURIComponent(username), decodeURIComponent(pathname.slice(1))];
  // Without a name, a database is called as its role.
  return role ? { role, database: database || role } : undefined;
}

async function onlyLogin(client: NeonClient, branch: Branch): Promise<Login> {
  const [database, ...others] = await client.listDatabases(branch.id);
  if (database && others.length === 0) return { role: database.owner_name, database: database.name };
  throw new NeonFailure(
    'NEON_REFUSED',
    `Neon: the branch ${branch.name} has ${others.length + (database ? 1 : 0)} databases; name one in DATABASE_URL`,
  );
}

/** Undefined where Neon knows no password: it stores none (412), or the role was made with SQL (404). */
export async function ownUri(
  client: NeonClient,
  branch: Branch,
  endpoint: Endpoint,
  login: Login,
): Promise<Secret | undefined> {
  try {
    return await client.connectionUri({ branchId: branch.id, endpointId: endpoint.id, ...login });
  } catch (error) {
    if (error instanceof NeonFailure && (error.status === 412 || error.status === 404)) return undefined;
    throw error;
  }
}

interface Target {
  readonly branch: Branch;
  readonly endpoint: Endpoint;
  readonly login: Login;
}

/** A branch has its parent's passwords, unless that is protected: then its role is given another one, on the branch alone. */
async function withoutStoredPassword(tools: Tools, client: NeonClient, target: Target, work: Work): Promise<Secret> {
  const { branch } = target;
  const parent = branch.parent_id ? await client.readBranch(branch.parent_id) : undefined;
  if (!parent?.protected && tools.url) return tools.url;
  return resetUri(tools, client, target, work);
}

/** Gives the role another password on this branch alone, and the address with it. */
export async function resetUri(
  tools: Tools,
  client: NeonClient,
  { branch, endpoint, login }: Target,
  work: Work,
): Promise<Secret> {
  const { password, operations } = await client.resetPassword(branch.id, login.role);
  await settle({ client, patience: tools.patience }, operations, 'Neon: password on the branch', work);
  const url = new URL(`postgresql://${endpoint.host}/${encodeURIComponent(login.database)}?sslmode=require`);
  url.username = encodeURIComponent(login.role);
  url.password = encodeURIComponent(password.reveal());
  return new Secret(url.href);
}

/** The address with the endpoint of the branch in it, whatever it led to before, and the app's checks of TLS. */
function aimed(uri: Secret, { host }: Endpoint, own: Secret | undefined): Secret {
  const url = new URL(uri.reveal());
  const [name = '', port = ''] = host.split(':');
  // Neon tells a host; a stand-in on one machine a port with it.
  url.hostname = name;
  url.port = port;
  const tls = new URLSearchParams();
  for (const [key, value] of url.searchParams) if (KEPT.includes(key)) tls.set(key, value);
  if (own) for (const [key, value] of new URL(own.reveal()).searchParams) if (KEPT.includes(key)) tls.set(key, value);
  url.search = tls.toString();
  return new Secret(url.href);
}

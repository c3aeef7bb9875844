import { Secret } from '../../config/secret.ts';
import type { Work } from '../progress.ts';
import { loginOf, ownUri, resetUri } from './connection.ts';
import { ensureEndpoint } from './compute.ts';
import { NeonFailure } from './failure.ts';
import { watched } from './named-branch.ts';
import { settle } from './settle.ts';
import { findSource } from './source.ts';
import type { Tools } from './tools.ts';

/** What only a connection can tell or do. */
export interface Logins {
  /** False when the password is not the right one; wakes the compute. @throws POSTGRES_UNREACHABLE */
  canLogIn(url: Secret): Promise<boolean>;
  /** Gives the role of `url` the password of `wanted`. @throws POSTGRES_* */
  setPassword(url: Secret, wanted: Secret): Promise<void>;
}

/**
 * Sees to it that the app's own address opens its branch: roles are of the moment that was restored, so a password that was
 * changed since is set again.
 * @throws NEON_*, POSTGRES_*
 */
export async function restoreLogin(tools: Tools, logins: Logins, work: Work): Promise<{ changed: boolean }> {
  const phase = 'Neon: log in';
  const { url } = tools;
  if (!url || (await logins.canLogIn(url))) return { changed: false };
  const client = watched(tools, phase, work);
  const branch = await findSource(client, tools.config);
  const endpoint = await ensureEndpoint(tools, client, branch.id, work);
  const login = loginOf(url);
  if (!login)
    throw new NeonFailure('NEON_REFUSED', 'Neon: DATABASE_URL names no role, so its password cannot be set again');
  const target = { branch, endpoint, login };
  const known = await ownUri(client, branch, endpoint, login);
  const usable =
    known && (await logins.canLogIn(aimed(known, url))) ? known : await resetUri(tools, client, target, work);
  await logins.setPassword(aimed(usable, url), url);
  if (await logins.canLogIn(url)) return { changed: true };
  throw new NeonFailure('NEON_REFUSED', `Neon: ${login.role} still cannot log in with the password of DATABASE_URL`);
}

/** The app's own address with another password: host and settings are known to work. */
function aimed(uri: Secret, own: Secret): Secret {
  const url = new URL(own.reveal());
  url.password = new URL(uri.reveal()).password;
  return new Secret(url.href);
}

/** Starts the app's compute anew. One that sleeps has no connections to end. @throws NEON_* */
export async function restartCompute(tools: Tools, work: Work): Promise<void> {
  const phase = 'Neon: restart the compute';
  const client = watched(tools, phase, work);
  const branch = await findSource(client, tools.config);
  const endpoint = await client.findEndpoint(branch.id);
  if (!endpoint || endpoint.current_state === 'idle') return;
  try {
    await settle({ client, patience: tools.patience }, await client.restartEndpoint(endpoint.id), phase, work);
  } catch (error) {
    // Restarting it once more does no harm, so a lost answer is left to the next attempt.
    if (error instanceof NeonFailure && error.status === 404) return;
    throw error;
  }
}

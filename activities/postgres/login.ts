import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { withSession } from './client.ts';

/** Whether an address opens its database; false when the password is not the right one. @throws POSTGRES_UNREACHABLE */
export async function canLogIn(url: Secret): Promise<boolean> {
  try {
    await withSession(url, 'read', async () => undefined);
    return true;
  } catch (error) {
    if (error instanceof RecoveryError && error.code === 'POSTGRES_DENIED') return false;
    throw error;
  }
}

/** Gives the role of `url` the password that stands in `wanted`. @throws POSTGRES_* */
export function setPassword(url: Secret, wanted: Secret): Promise<void> {
  const { username, password } = new URL(wanted.reveal());
  const literal = `'${decodeURIComponent(password).replaceAll("'", "''")}'`;
  return withSession(url, 'write', async (session) => {
    // A backslash is one whatever the server's settings are.
    await session.run('SET LOCAL standard_conforming_strings = on');
    await session.run(`ALTER ROLE "${decodeURIComponent(username).replaceAll('"', '""')}" PASSWORD ${literal}`);
    await session.commit();
  });
}

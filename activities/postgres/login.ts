import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { withSession } from './client.ts';
import { quoteIdentifier, quoteText } from './tables.ts';

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
  const [role, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return withSession(url, 'write', async (session) => {
    await session.run(`ALTER ROLE ${quoteIdentifier(role)} PASSWORD ${quoteText(secret)}`);
    await session.commit();
  });
}

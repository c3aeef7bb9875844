import { RecoveryError } from '../../domain/failures.ts';

/** The artifact is not what its reference says. */
export function tampered(key: string, what: string): RecoveryError {
  return new RecoveryError('SET_TAMPERED', `artifact ${key} ${what}`);
}

/** The key would lead out of the store. */
export function outside(key: string): RecoveryError {
  return new RecoveryError(
    'STORE_UNREACHABLE',
    `artifact store: ${JSON.stringify(key)} is not a name inside the store`,
  );
}

/** The folder of the store is not one. */
export function noStore(folder: string, what: string): RecoveryError {
  return new RecoveryError(
    'STORE_UNREACHABLE',
    `artifact store: ${folder} ${what} (STORE_DIRECTORY). Mount it, or correct the setting; for a new store make an empty folder`,
  );
}

/** The key is taken. */
export function exists(key: string): RecoveryError {
  return new RecoveryError('STORE_UNREACHABLE', `artifact store: ${key} exists already; artifacts are never replaced`);
}

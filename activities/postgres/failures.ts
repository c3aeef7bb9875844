import { types } from 'node:util';
import { RecoveryError } from '../../domain/failures.ts';

/** What Node calls a peer that cannot be reached or went away. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);
/** The driver's own words for a lost connection; these errors carry no code. */
const LOST = /^(Connection terminated|Client has encountered a connection error|timeout expired)/;

/** SQLSTATE classes and codes, from appendix A of the PostgreSQL manual. */
const UNREACHABLE = /^(08|57P0[123]|57014|53300|55P03|25P0[34])/;
const DENIED = /^(28|42501)/;
const UNEXPECTED_SCHEMA = /^(42P01|42703|3F000)/;

/** Our failure for whatever the driver threw. Postgres' messages never hold the password. */
export function asPostgresFailure(error: unknown): unknown {
  if (error instanceof RecoveryError || !types.isNativeError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const said = error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message;
  if (NETWORK.has(code) || LOST.test(said) || UNREACHABLE.test(code)) {
    return failure('POSTGRES_UNREACHABLE', code, said, error);
  }
  if (DENIED.test(code)) return failure('POSTGRES_DENIED', code, said, error);
  if (UNEXPECTED_SCHEMA.test(code)) {
    return new RecoveryError('UNEXPECTED_SCHEMA', `postgres.tables: the database says: ${said}`, { cause: error });
  }
  return failure('POSTGRES_REFUSED', code, said, error);
}

/** The SQLSTATE that a failure came with; '' for one that is not Postgres' own. */
export function sqlStateOf(error: unknown): string {
  const said = error instanceof RecoveryError ? error.cause : error;
  return types.isNativeError(said) && 'code' in said && typeof said.code === 'string' ? said.code : '';
}

function failure(
  name: 'POSTGRES_UNREACHABLE' | 'POSTGRES_DENIED' | 'POSTGRES_REFUSED',
  code: string,
  said: string,
  cause: Error,
): RecoveryError {
  return new RecoveryError(name, `Postgres: ${said}${code ? ` (${code})` : ''}`, { cause });
}

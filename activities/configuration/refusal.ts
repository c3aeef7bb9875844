import { RecoveryError } from '../../domain/failures.ts';

/** What is there to be captured or opened cannot be, and a person has to mend it. The message holds no value. */
export function refused(message: string, options?: ErrorOptions): RecoveryError {
  return new RecoveryError('CONFIGURATION_REFUSED', message, options);
}

/** What the system says of a failure: its code, never its message, which may quote what was read. */
export function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown reason';
}

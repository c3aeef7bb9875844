import { type FailureCode, RecoveryError } from '../../domain/failures.ts';

/** What was being done, for a message: `writing sets/x/index`; and the permission that it takes. */
export interface Doing {
  readonly what: string;
  readonly permission: string;
}

/** Where it was done, for a message. Never a credential. */
export interface Where {
  readonly bucket: string;
  /** Address, or the name of the service. */
  readonly endpoint: string;
  /** The region that was asked; absent when the SDK chose it. */
  readonly region: string | undefined;
}

/** What is known of an error of the SDK, or of the network below it. */
export interface Seen {
  /** S3's own code, such as `NoSuchBucket`, or the system's, such as `ECONNREFUSED`. */
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  /** Where the bucket really is, when the server says so. */
  readonly region: string | undefined;
  /** The server's clock, when it says so. */
  readonly serverTime: Date | undefined;
}

type Say = (seen: Seen, where: Where, doing: Doing) => string;
interface Cause {
  readonly codes: readonly string[];
  readonly statuses?: readonly number[];
  readonly failure: FailureCode;
  readonly say: Say;
}

const MINUTE_MS = 60_000;

/** Codes as Amazon documents them (API reference, "Error responses") and as other servers borrow or add to them. */
const CAUSES: readonly Cause[] = [
  {
    codes: ['NoSuchBucket', 'InvalidBucketName'],
    failure: 'STORE_REFUSED',
    say: (_seen, { bucket, endpoint }) =>
      `there is no bucket ${bucket} at ${endpoint}. Make it, or correct store.s3.bucket`,
  },
  {
    codes: [
      'PermanentRedirect',
      'TemporaryRedirect',
      'AuthorizationHeaderMalformed',
      'IllegalLocationConstraintException',
    ],
    statuses: [301, 307],
    failure: 'STORE_REFUSED',
    say: ({ region }, { bucket, region: asked }) =>
      `bucket ${bucket} is not in the region ${asked ?? 'that was asked'}. ` +
      `Set store.s3.region to ${region ?? 'the region of the bucket'}`,
  },
  {
    codes: ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
    failure: 'STORE_DENIED',
    say: ({ serverTime }) =>
      `the clock of this machine ${skew(serverTime)}. Set it (NTP): S3 refuses what is signed by it`,
  },
  {
    codes: ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'],
    failure: 'STORE_DENIED',
    say: () => 'the access key or session token has expired. Give the worker a new one',
  },
  {
    codes: ['InvalidAccessKeyId', 'InvalidClientTokenId', 'UnrecognizedClientException', 'InvalidToken'],
    failure: 'STORE_DENIED',
    say: (_seen, { endpoint }) => `${endpoint} does not know the access key. Correct store.s3.accessKeyId`,
  },
  {
    codes: ['SignatureDoesNotMatch', 'InvalidSignatureException'],
    failure: 'STORE_DENIED',
    say: () => 'the secret of the access key is wrong. Correct store.s3.secretAccessKey',
  },
  {
    codes: ['CredentialsProviderError', 'TokenProviderError', 'CredentialUnavailable'],
    failure: 'STORE_DENIED',
    say: () =>
      'no credentials were found. Set store.s3.accessKeyId and secretAccessKey, or give the machine a profile or role',
  },
  {
    codes: ['BadDigest', 'InvalidDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch'],
    failure: 'STORE_REFUSED',
    say: ({ code }) =>
      `what arrived is not what was sent (${code}). Repeat; if it stays so, look at what stands between, ` +
      'or set store.s3.checksums to when-required for a server that does not know them',
  },
  {
    codes: ['NotImplemented'],
    failure: 'STORE_REFUSED',
    say: ({ message }) =>
      `the server does not do this (${message}). If it is about If-None-Match, set store.s3.conditionalWrites to false`,
  },
  {
    codes: [
      'QuotaExceeded',
      'InsufficientStorage',
      'XMinioStorageFull',
      'XMinioAdminBucketQuotaExceeded',
      'BucketQuotaExceeded',
    ],
    statuses: [507],
    failure: 'DISK_FULL',
    say: ({ code }, { bucket }) => `no space is left in bucket ${bucket} (${code}). Raise its quota or free space`,
  },
  {
    codes: ['AccessDenied', 'Forbidden', 'AllAccessDisabled', 'AccountProblem', 'UnauthorizedAccess', 'Unauthorized'],
    statuses: [401, 403],
    failure: 'STORE_DENIED',
    say: ({ message }, { bucket }, { permission }) =>
      `access is denied (${message}). Allow ${permission} and s3:ListBucket on bucket ${bucket}`,
  },
  {
    codes: ['ConditionalRequestConflict', 'OperationAborted'],
    statuses: [409],
    failure: 'STORE_UNREACHABLE',
    say: () => 'somebody else was writing the same at the same moment',
  },
];

/** The failure with a code that stands for an error of the SDK: named cause, what to do, never a credential. */
export function storeFailure(seen: Seen, where: Where, doing: Doing, cause?: unknown): RecoveryError {
  const known =
    CAUSES.find(({ codes }) => codes.includes(seen.code)) ??
    CAUSES.find(({ statuses }) => seen.status !== undefined && statuses?.includes(seen.status));
  const { failure, text } = known
    ? { failure: known.failure, text: known.say(seen, where, doing) }
    : unknownCause(seen, where);
  return new RecoveryError(failure, `artifact store: ${doing.what}: ${text}`, { cause });
}

function unknownCause(
  { code, status, message }: Seen,
  { bucket, endpoint }: Where,
): { failure: FailureCode; text: string } {
  if (code === 'RegionMissing') return { failure: 'STORE_REFUSED', text: 'no region is known. Set store.s3.region' };
  if (status === undefined)
    return {
      failure: 'STORE_UNREACHABLE',
      text: `${endpoint} does not answer (${code}: ${message}). Look at the network and at store.s3.endpoint`,
    };
  if (status >= 500 || status === 429 || status === 408 || status === 200)
    return {
      failure: 'STORE_UNREACHABLE',
      text: `${endpoint} answers ${status} (${code}: ${message}). It should pass`,
    };
  return { failure: 'STORE_REFUSED', text: `bucket ${bucket} at ${endpoint} answers ${status} (${code}: ${message})` };
}

function skew(serverTime: Date | undefined): string {
  if (!serverTime) return 'is wrong';
  const minutes = Math.round((Date.now() - serverTime.getTime()) / MINUTE_MS);
  if (minutes === 0) return 'was wrong when this was signed';
  return `is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead of' : 'behind'} that of S3`;
}

import { types } from 'node:util';

/** gRPC's codes, and the HTTP status that its gateway answers each with. */
const KINDS = {
  INVALID_ARGUMENT: { code: 3, status: 400 },
  NOT_FOUND: { code: 5, status: 404 },
  PERMISSION_DENIED: { code: 7, status: 403 },
  RESOURCE_EXHAUSTED: { code: 8, status: 429 },
  FAILED_PRECONDITION: { code: 9, status: 400 },
  UNIMPLEMENTED: { code: 12, status: 501 },
  INTERNAL: { code: 13, status: 500 },
  UNAVAILABLE: { code: 14, status: 503 },
  UNAUTHENTICATED: { code: 16, status: 401 },
} as const;

/** A refusal, as the API words it. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly status: number;
  readonly body: { readonly code: number; readonly message: string; readonly details: readonly never[] };

  constructor(kind: keyof typeof KINDS, message: string) {
    super(message);
    const { code, status } = KINDS[kind];
    this.status = status;
    this.body = { code, message, details: [] };
  }
}

export function messageOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  // `fetch failed` says nothing; its cause does.
  const { cause } = error;
  return types.isNativeError(cause) && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
}

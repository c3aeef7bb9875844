import { z } from 'zod';
import { type FailureCode, RecoveryError } from '../../domain/failures.ts';
import { excerpt, mayPass } from '../exchange.ts';

const errorSchema = z.object({ message: z.string() });
/** The request did not reach what would have done it. */
const NOT_DONE = [429, 503];

interface About {
  readonly status?: number;
  /** Seconds to wait before asking again, as the service wants it. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** A failure of the management API, with what a caller may want to know before it decides. */
export class CloudFailure extends RecoveryError {
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: FailureCode, message: string, { status, retryAfter, cause }: About = {}) {
    super(code, message, { cause });
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** True for what may be over in a moment. */
  get blip(): boolean {
    return this.status !== undefined && NOT_DONE.includes(this.status);
  }

  /** True when the request may have been carried out all the same: look before repeating. 429 never is. */
  get outcomeUnknown(): boolean {
    return this.code === 'QDRANT_CLOUD_UNREACHABLE' && this.status !== 429;
  }
}

/** The failure for an answer that is not a success: gRPC's error as JSON, or what a proxy says. */
export function failureOfAnswer(what: string, status: number, text: string, retryAfter: string | null): CloudFailure {
  const seconds = Number(retryAfter ?? Number.NaN);
  return new CloudFailure(codeOf(status), `Qdrant Cloud, ${what}: ${status} ${said(text)}`, {
    status,
    ...(Number.isFinite(seconds) ? { retryAfter: seconds } : {}),
  });
}

/** The failure for a request that got no answer, or not all of it. */
export function failureOfSilence(what: string, error: Error): CloudFailure {
  return new CloudFailure('QDRANT_CLOUD_UNREACHABLE', `Qdrant Cloud, ${what}: ${error.message}`, { cause: error });
}

function codeOf(status: number): FailureCode {
  if (status === 401 || status === 403) return 'QDRANT_CLOUD_DENIED';
  // What the service does not do, it will not do later.
  return mayPass(status) && status !== 501 ? 'QDRANT_CLOUD_UNREACHABLE' : 'QDRANT_CLOUD_REFUSED';
}

function said(text: string): string {
  try {
    const parsed = errorSchema.safeParse(JSON.parse(text));
    if (parsed.success) return excerpt(parsed.data.message);
  } catch {
    // A proxy's page, which is shown as it is.
  }
  return excerpt(text) || '(no message)';
}

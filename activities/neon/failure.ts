import { z } from 'zod';
import { type FailureCode, RecoveryError } from '../../domain/failures.ts';
import { excerpt } from '../exchange.ts';

/** Neon answers so when nothing was done, and says that the same request may be sent again. */
const NOT_DONE = [423, 429, 503];

const errorSchema = z.object({ message: z.string(), code: z.string().default('') });

/** An HTTP client's error, as far as it is looked at: the rest of it holds the key. */
const clientErrorSchema = z.object({
  response: z.object({ status: z.number(), data: z.unknown(), headers: z.unknown() }).nullish(),
  code: z.string().nullish(),
  message: z.string().default(''),
});
const waitSchema = z.object({ 'retry-after': z.coerce.number().nonnegative() });

interface About {
  readonly status?: number | undefined;
  /** Seconds to wait before asking again, as Neon wants it. */
  readonly retryAfter?: number | undefined;
}

/** A failure of the control plane, with what a caller may want to know before it decides. */
export class NeonFailure extends RecoveryError {
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: FailureCode, message: string, { status, retryAfter }: About = {}) {
    super(code, message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** True when the request was not carried out and may be sent again after a while. */
  get busy(): boolean {
    return this.code === 'NEON_BUSY';
  }

  /** True when the request may have been carried out all the same: look before repeating. */
  get outcomeUnknown(): boolean {
    return this.code === 'NEON_UNREACHABLE';
  }
}

/**
 * The failure for what the vendor's client threw. Nothing of the error itself is kept as a cause: it carries the request,
 * with the key in it, and the answer, which may carry passwords.
 */
export function failureOf(what: string, error: unknown, deadlineMs: number): NeonFailure {
  const { response, code, message } = clientErrorSchema.safeParse(error).data ?? { message: 'no answer' };
  if (response) return failureOfAnswer(what, response.status, response.data, response.headers);
  const late = code === 'ERR_CANCELED' || code === 'ECONNABORTED' || code === 'ETIMEDOUT';
  const why = late ? `no answer within ${deadlineMs / 1_000} s` : excerpt(message) || (code ?? 'no answer');
  return new NeonFailure('NEON_UNREACHABLE', `Neon, ${what}: ${why}`);
}

function failureOfAnswer(what: string, status: number, data: unknown, headers: unknown): NeonFailure {
  const parsed = errorSchema.safeParse(data);
  const said = parsed.success ? excerpt(parsed.data.message) : excerpt(typeof data === 'string' ? data : '');
  const retryAfter = waitSchema.safeParse(headers).data?.['retry-after'];
  const code = codeOf(status, said, parsed.data?.code ?? '');
  return new NeonFailure(code, `Neon, ${what}: ${status} ${said || '(no message)'}`, { status, retryAfter });
}

function codeOf(status: number, said: string, code: string): FailureCode {
  if (status === 401 || status === 403) return 'NEON_DENIED';
  if (NOT_DONE.includes(status) || /\bnot ready yet\b/i.test(said)) return 'NEON_BUSY';
  // 501 will not pass; of other errors of the server it is not known how far it came.
  if (status === 408 || (status >= 500 && status !== 501)) return 'NEON_UNREACHABLE';
  return /LIMIT_EXCEEDED/.test(code) || /\blimits? (?:exceeded|reached)\b/i.test(said) ? 'NEON_LIMIT' : 'NEON_REFUSED';
}

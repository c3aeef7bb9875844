import { type FailureCode, RecoveryError } from '../../domain/failures.ts';

const MAX_MESSAGE = 500;
const LOST = [408, 502, 504];
/** `AbortError`: the vendor's client aborts for its deadline alone. */
const TIMEOUTS = ['TimeoutError', 'AbortError', 'QdrantClientTimeoutError'];

/** A failure of Qdrant with what a caller may want to know before it decides: look again, wait, or give up. */
export class QdrantFailure extends RecoveryError {
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** True for what may be over in a moment: a closed idle socket, a server that starts, one 503. */
  readonly blip: boolean;

  constructor(code: FailureCode, message: string, options: { status?: number; blip?: boolean; cause?: unknown } = {}) {
    super(code, message, { cause: options.cause });
    this.status = options.status;
    this.blip = options.blip ?? false;
  }

  /** The largest size that strict mode allows, when the request was over it. */
  get allowed(): number | undefined {
    const most = this.status === 400 ? /^.*Limit exceeded .* to or below ([0-9]+)/.exec(this.message)?.[1] : undefined;
    return most === undefined ? undefined : Number(most);
  }

  /** True when a smaller request may pass where this one never will. */
  get splitMayHelp(): boolean {
    return this.allowed !== undefined || (this.status === 429 && this.message.includes('split your request'));
  }

  /** True when the server may have done, or still be doing, what it was asked: look before repeating. */
  get outcomeUnknown(): boolean {
    return this.code === 'QDRANT_UNREACHABLE' || (this.status !== undefined && LOST.includes(this.status));
  }
}

/** The failure for an answer that is not a success. `body` is Qdrant's JSON error, or plain text (401, proxies). */
export function failureOfAnswer(what: string, status: number, body: unknown): QdrantFailure {
  return new QdrantFailure(codeOf(status), `Qdrant, ${what}: ${status} ${messageOf(body)}`, {
    status,
    blip: status === 503,
  });
}

function codeOf(status: number): FailureCode {
  if (status === 401 || status === 403) return 'QDRANT_DENIED';
  if (status === 429 || status === 503 || status === 408) return 'QDRANT_BUSY';
  return LOST.includes(status) ? 'QDRANT_UNREACHABLE' : 'QDRANT_REFUSED';
}

/** Qdrant's own words, from a parsed error or its text. */
function messageOf(body: unknown): string {
  const parsed = typeof body === 'string' ? tryParse(body) : body;
  const status = property(parsed, 'status');
  const error = property(status, 'error');
  const text = typeof error === 'string' ? error : typeof body === 'string' ? body : '';
  return text.slice(0, MAX_MESSAGE).trim() || '(no message)';
}

/** The failure for a call that got no answer, or not all of it. */
export function failureOfSilence(what: string, error: unknown): QdrantFailure {
  const code = systemCodeOf(error);
  const name = property(error, 'name');
  const timedOut = TIMEOUTS.includes(String(name)) || /TIMEOUT|ETIMEDOUT/.test(code);
  const reason = timedOut ? 'no answer in time' : code || String(property(error, 'message') ?? error);
  return new QdrantFailure('QDRANT_UNREACHABLE', `Qdrant, ${what}: ${reason}`, { blip: !timedOut, cause: error });
}

function systemCodeOf(error: unknown, depth = 0): string {
  const code = property(error, 'code');
  if (typeof code === 'string') return code;
  const cause = property(error, 'cause');
  return cause !== undefined && depth < 4 ? systemCodeOf(cause, depth + 1) : '';
}

/** Errors cross module systems and realms, so they are read by shape and not by class. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

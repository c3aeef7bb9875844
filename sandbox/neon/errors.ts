/** An answer other than success. */
export class NeonError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, code = '', retryAfter?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export const badRequest = (message: string): NeonError => new NeonError(400, message);
export const notFound = (what: string): NeonError => new NeonError(404, `${what} not found`);
export const unprocessable = (message: string, code = ''): NeonError => new NeonError(422, message, code);

/** The words of Neon's own answer, which clients look for. */
export const locked = (): NeonError =>
  new NeonError(423, 'project already has running conflicting operations, scheduling of new ones is prohibited');

export const notProvided = (what: string): NeonError =>
  new NeonError(501, `the sandbox's Neon does not provide ${what}`, 'NOT_IMPLEMENTED');

import { FAILURES, type FailureCode } from '../domain/failures.ts';
import type { FailureView } from '../domain/report.ts';
import { EXIT_CODES, type ExitCode, type ExitName } from './exit-codes.ts';

/** Something that a command cannot do: what is wrong, what to do next, and the exit code that says which kind it is. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly #kind: ExitName;
  readonly exit: ExitCode;
  readonly view: FailureView;
  /** What the command had done before, for programs. */
  readonly done: object;

  constructor(exit: ExitName, view: FailureView, done: object = {}) {
    super(view.message);
    this.#kind = exit;
    this.exit = EXIT_CODES[exit].code;
    this.view = view;
    this.done = done;
  }

  /** The same, of a command that had done something already. */
  after(done: object): Problem {
    return new Problem(this.#kind, this.view, done);
  }
}

/** A problem with one of the codes that runs use; what to do next comes from its definition, unless given. */
export function problem(
  exit: ExitName,
  code: FailureCode,
  message: string,
  next: string = FAILURES[code].next,
): Problem {
  return new Problem(exit, { code, message, next });
}

export function wrongUse(message: string, next: string): Problem {
  return new Problem('wrongUse', { code: 'WRONG_USE', message, next });
}

export function notFound(message: string, next: string): Problem {
  return new Problem('notFound', { code: 'NOT_FOUND', message, next });
}

/** Nobody can know whether the request arrived: it must not simply be repeated. */
export function unknownOutcome(what: string): Problem {
  return new Problem('unreachable', {
    code: 'UNKNOWN_OUTCOME',
    message: `${what}: no answer in time, so it is not known whether it arrived`,
    next: 'See whether a worker runs with `dr doctor`, start one with `npm run worker` if none does, then look before you repeat it.',
  });
}

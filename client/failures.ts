import {
  ApplicationFailure,
  isGrpcServiceError,
  TerminatedFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  CancelledFailure,
} from '@temporalio/client';
import { FAILURES, isFailureCode, RecoveryError } from '../domain/failures.ts';
import type { FailureView } from '../domain/report.ts';
import { notFound, Problem, problem, unknownOutcome } from './problem.ts';

/** Numbers of gRPC statuses. */
const STATUS = {
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
};

/** Any error as a problem: every path out of a command ends in a sentence and an exit code. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof RecoveryError) return recoveryProblem(error);
  if (error instanceof WorkflowUpdateFailedError) return new Problem('refused', viewOf(error.cause ?? error));
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return unknownOutcome('the update');
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return problem(
      'refused',
      'RUN_IN_PROGRESS',
      `${error.workflowId} was started already`,
      'Look at it with `dr status`.',
    );
  }
  if (error instanceof WorkflowNotFoundError) return absent(error.message);
  if (isGrpcServiceError(error)) return grpcProblem(error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error) return problemOf(cause);
  return problem(
    'notPassed',
    'UNEXPECTED',
    error instanceof Error ? error.message : String(error),
    'This is a fault of `dr`; please report it.',
  );
}

/** What the settings or the artifact store are in the way with. */
function recoveryProblem({ code, message }: RecoveryError): Problem {
  // What is wrong with a set, or out of reach, no correction of the command mends.
  if (code.startsWith('SET_')) return problem(code === 'SET_NOT_FOUND' ? 'notFound' : 'notPassed', code, message);
  if (FAILURES[code].retry === 'wait') return problem('unreachable', code, message);
  return problem('wrongUse', code, message, 'Correct it and run the command again.');
}

function absent(message: string): Problem {
  if (/already completed/i.test(message)) {
    return problem('refused', 'NOT_NOW', 'the run has ended already', 'Read what came of it with `dr report`.');
  }
  return notFound('there is no such run', 'List the runs with `dr runs`.');
}

function grpcProblem(error: { code: number; details: string }): Problem {
  if (error.code === STATUS.notFound) return absent(error.details);
  if (error.code === STATUS.deadlineExceeded) return unknownOutcome('Temporal');
  const said = error.details || `status ${error.code}`;
  if (error.code === STATUS.permissionDenied || error.code === STATUS.unauthenticated) {
    return new Problem('unreachable', {
      code: 'TEMPORAL_DENIED',
      message: `Temporal refuses this client: ${said}`,
      next: 'Correct TEMPORAL_API_KEY, the certificates or TEMPORAL_NAMESPACE.',
    });
  }
  if (said.includes('no poller')) {
    const message = 'no worker serves this environment now, so nobody can answer';
    return new Problem('unreachable', {
      code: 'NO_WORKER',
      message,
      next: 'Start one with `npm run worker`. `dr runs` and `dr abort` work without.',
    });
  }
  const next = 'Start a worker of the environment and Temporal, or correct TEMPORAL_ADDRESS, then try again.';
  return new Problem('unreachable', { code: 'TEMPORAL_UNREACHABLE', message: `Temporal answers: ${said}`, next });
}

/** What made a run or an update fail, as people see it. */
export function viewOf(error: Error): FailureView {
  if (error instanceof ApplicationFailure && isFailureCode(error.type)) {
    return { code: error.type, message: error.message, next: FAILURES[error.type].next };
  }
  if (error instanceof TerminatedFailure) {
    const next = 'Nothing was undone: compare the stack with the report of the run’s steps, and start a new run.';
    return { code: 'TERMINATED', message: `the run was terminated: ${error.message}`, next };
  }
  if (error instanceof CancelledFailure) {
    return { code: 'CANCELLED', message: 'the run was cancelled', next: FAILURES.UNEXPECTED.next };
  }
  if (error.cause instanceof Error) return viewOf(error.cause);
  return { code: 'UNEXPECTED', message: error.message, next: FAILURES.UNEXPECTED.next };
}

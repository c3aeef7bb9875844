import { WorkflowFailedError } from '@temporalio/client';
import type { Command } from 'commander';
import { z } from 'zod';
import { taskQueueOf } from '../../domain/names.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { viewOf } from '../failures.ts';
import { Problem } from '../problem.ts';
import { withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';

const TIMEOUT_MS = 5 * 60_000;
const resultSchema = z.object({ marked: z.array(z.string()) });

/** `dr mark-environment` */
export function markEnvironmentCommand(cli: Cli): Command {
  return command(
    'mark-environment',
    'Write the environment’s name into every store that has none; done once per stack',
    'dr mark-environment --environment staging',
  ).action(action(cli, mark));
}

function mark(job: Job): Promise<ExitCode> {
  const { context, out } = job;
  const environment = job.environment();
  return withTemporal(context, async (temporal) => {
    await warnWithoutWorker(temporal, environment, out);
    try {
      const { marked } = resultSchema.parse(
        await temporal.within(TIMEOUT_MS, () =>
          temporal.client.workflow.execute('markEnvironment', {
            taskQueue: taskQueueOf(environment),
            workflowId: `mark-environment/${environment}`,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowExecutionTimeout: TIMEOUT_MS,
            args: [{}],
            staticSummary: `Write the name ${environment} into the stores`,
          }),
        ),
      );
      const text =
        marked.length > 0
          ? `Marked as ${environment}: ${marked.join(', ')}`
          : `Every store is marked as ${environment} already.`;
      out.answer({ environment, marked }, text);
      return EXIT_CODES.ok.code;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new Problem('refused', viewOf(error.cause ?? error));
    }
  });
}

import { WorkflowFailedError } from '@temporalio/client';
import type { Command } from 'commander';
import { type ColdCopy, coldCopySchema, coldFolderOf } from '../../domain/cold-copy.ts';
import { describeCount } from '../../domain/format.ts';
import { taskQueueOf } from '../../domain/names.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { viewOf } from '../failures.ts';
import { Problem } from '../problem.ts';
import { withTemporal } from '../temporal.ts';
import { warnWithoutWorker } from '../workers.ts';

const TIMEOUT_MS = 24 * 3600_000;

/** `dr cold-copy` */
export function coldCopyCommand(cli: Cli): Command {
  return command(
    'cold-copy',
    'Copy the storage folder of a Qdrant that is stopped into the artifact store; refused while it runs',
    'dr cold-copy --environment staging',
  ).action(action(cli, copy));
}

function copy(job: Job): Promise<ExitCode> {
  const { context, out } = job;
  const environment = job.environment();
  return withTemporal(context, async (temporal) => {
    await warnWithoutWorker(temporal, environment, out);
    try {
      const result: unknown = await temporal.within(TIMEOUT_MS, () =>
        temporal.client.workflow.execute('copyColdStorage', {
          taskQueue: taskQueueOf(environment),
          workflowId: `cold-copy/${environment}`,
          workflowIdConflictPolicy: 'USE_EXISTING',
          args: [{}],
          staticSummary: `Copy the storage folder of the stopped Qdrant (${environment})`,
        }),
      );
      const made = coldCopySchema.parse(result);
      out.answer(made, describe(made));
      return EXIT_CODES.ok.code;
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new Problem('refused', viewOf(error.cause ?? error));
    }
  });
}

function describe({ id, environment, files, bytes, collections }: ColdCopy): string {
  const held = collections.length > 0 ? collections.join(', ') : 'none';
  return `${id}: ${describeCount(files)} files, ${describeCount(bytes)} bytes; collections: ${held}. It lies in ${coldFolderOf(environment, id)}`;
}

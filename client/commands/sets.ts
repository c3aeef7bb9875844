import type { Command } from 'commander';
import { describeCount } from '../../domain/format.ts';
import { bytesOf } from '../../domain/recovery-set.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { placeOf, storedSets } from '../store.ts';
import { renderTable } from '../table.ts';

/** `dr sets` */
export function setsCommand(cli: Cli): Command {
  return command('sets', 'List the recovery sets in the artifact store, the newest first', 'dr sets --all')
    .option('--all', 'also sets of other environments')
    .action(action(cli, (job, { all }: { all?: boolean }) => list(job, all === true)));
}

async function list({ config, context, out }: Job, all: boolean): Promise<ExitCode> {
  const { environment } = config;
  const place = placeOf(config.store);
  const stored = await storedSets(config.store);
  const sets = stored
    .flatMap((entry) => ('set' in entry ? [entry] : []))
    .filter(({ set }) => all || environment === undefined || set.environment === environment)
    .map(({ id, set, state }) => ({
      id,
      environment: set.environment,
      takenAt: set.takenAt,
      state,
      points: set.qdrant.points,
      bytes: bytesOf(set),
      model: set.embedding.model,
      dimensions: set.embedding.dimensions,
      postgres: set.postgres !== undefined,
    }));
  const unreadable = stored.flatMap((entry) => ('problem' in entry ? [entry] : []));
  const rows = sets.map((set) => [
    set.id,
    set.environment,
    set.state,
    describeCount(set.points),
    describeCount(set.bytes),
    set.model,
  ]);
  const table = renderTable(context.stdout, ['set', 'environment', 'state', 'points', 'bytes', 'embeddings'], rows);
  const none = `No recovery set in ${place}. Take one with \`dr start backup\`.`;
  out.answer({ store: place, sets, unreadable }, rows.length > 0 ? table : none);
  if (!out.json) for (const { id, problem } of unreadable) out.note(`${id} cannot be used: ${problem}`);
  return EXIT_CODES.ok.code;
}

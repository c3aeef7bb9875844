import { Command } from 'commander';
import { nearest } from '../../config/nearest.ts';
import { describeCount } from '../../domain/format.ts';
import { bytesOf, isTorn } from '../../domain/recovery-set.ts';
import { lastFullPass } from '../../domain/retention.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { type Problem, wrongUse } from '../problem.ts';
import { placeOf, storedSets } from '../store.ts';
import { renderTable } from '../table.ts';
import { pruneSetsCommand } from './sets-prune.ts';
import { diffSetsCommand, exportSetCommand, showSetCommand } from './sets-read.ts';
import { verifySetCommand } from './sets-verify.ts';

const COMMANDS = ['list', 'show', 'verify', 'diff', 'export', 'prune'] as const;

/** `dr sets` */
export function setsCommand(cli: Cli): Command {
  const sets = new Command('sets')
    .summary('List, show, verify, compare, export and remove recovery sets')
    .description('List, show, verify, compare, export and remove recovery sets. Without a command: list.')
    .addHelpText('after', '\nExample:\n  $ dr sets\n  $ dr sets --json');
  sets.addCommand(listCommand(cli), { isDefault: true });
  const others = [showSetCommand, verifySetCommand, diffSetsCommand, exportSetCommand, pruneSetsCommand];
  for (const make of others) sets.addCommand(make(cli));
  return sets;
}

function listCommand(cli: Cli): Command {
  return (
    command('list', 'List the recovery sets in the artifact store, the newest first', 'dr sets list --all')
      .usage('[options]')
      // As the default it is given whatever is no command: most often one that was mistyped.
      .argument('[mistyped...]')
      .option('--all', 'also sets of other environments')
      .action(
        action(cli, (job, { all }: { all?: boolean }, [mistyped]) => {
          if (mistyped !== undefined) throw noSuchCommand(mistyped);
          return list(job, all === true);
        }),
      )
  );
}

function noSuchCommand(given: string): Problem {
  const meant = nearest(given, COMMANDS);
  const next = meant === undefined ? `There are ${COMMANDS.join(', ')}.` : `Did you mean \`dr sets ${meant}\`?`;
  return wrongUse(`there is no command sets ${given}`, next);
}

async function list({ config, context, out }: Job, all: boolean): Promise<ExitCode> {
  const { environment } = config;
  const place = placeOf(config.store);
  const stored = await storedSets(config.store);
  const sets = stored
    .flatMap((entry) => ('set' in entry ? [entry] : []))
    .filter(({ set }) => all || environment === undefined || set.environment === environment)
    .map((entry) => ({
      id: entry.id,
      environment: entry.set.environment,
      takenAt: entry.set.takenAt,
      state: entry.state,
      verifiedAt: lastFullPass([entry]),
      partsAgree: !isTorn(entry.set),
      points: entry.set.qdrant.points,
      bytes: bytesOf(entry.set),
      model: entry.set.embedding.model,
      dimensions: entry.set.embedding.dimensions,
      postgres: entry.set.postgres !== undefined,
    }));
  const unreadable = stored.flatMap((entry) => ('problem' in entry ? [entry] : []));
  const rows = sets.map((set) => [
    set.id,
    set.environment,
    set.partsAgree ? set.state : `${set.state}, parts disagree`,
    describeCount(set.points),
    describeCount(set.bytes),
    set.model,
  ]);
  const table = renderTable(context.stdout, ['set', 'environment', 'state', 'points', 'bytes', 'embeddings'], rows);
  const others = new Set(stored.flatMap((entry) => ('set' in entry ? [entry.set.environment] : [])));
  const none =
    others.size > 0 && environment !== undefined
      ? `No recovery set of ${environment} in ${place}, but of ${[...others].join(', ')}: see them with \`dr sets --all\`.`
      : `No recovery set in ${place}. Take one with \`dr backup\`.`;
  out.answer({ store: place, sets, unreadable }, rows.length > 0 ? table : none);
  if (!out.json) for (const { id, problem } of unreadable) out.note(`${id} cannot be used: ${problem}`);
  return EXIT_CODES.ok.code;
}

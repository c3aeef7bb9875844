import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createArtifactStore } from '../../activities/store/index.ts';
import { type Artifact, contentOf } from '../../domain/artifacts.ts';
import { describeCount } from '../../domain/format.ts';
import { artifactsOf } from '../../domain/recovery-set.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { notFound } from '../problem.ts';
import { findSet } from '../sets/find.ts';
import { writeNew } from '../sets/write-new.ts';

/** `dr restore-object KEY --out FILE` */
export function restoreObjectCommand(cli: Cli): Command {
  return command(
    'restore-object',
    'Write one object of a recovery set into a new file, decrypted and compared with its hash',
    'dr restore-object sets/set-20260124T020000Z-1a2b3c/golden.json --out golden.json',
  )
    .argument('<key>', 'the object, as `dr sets show` lists it')
    .requiredOption('--out <file>', 'where to; a file that is there is never overwritten')
    .action(action(cli, (job, { out }: { out: string }, [key = '']) => restore(job, key, out)));
}

async function restore({ config, context, out }: Job, key: string, to: string): Promise<ExitCode> {
  const store = createArtifactStore(config.store);
  const { artifact, sealed } = await artifactNamed(store, key);
  const path = resolve(context.sources.cwd ?? process.cwd(), to);
  await writeNew(path, store.open(artifact));
  const content = contentOf(artifact);
  const decrypted = artifact.plain !== undefined;
  out.answer(
    { key: artifact.key, file: path, ...content, decrypted, encrypted: sealed },
    `${path}: ${describeCount(content.bytes)} bytes${decrypted ? ', decrypted' : ''}, SHA-256 ${content.sha256} as the manifest says${sealed ? '.\nIt holds secrets and is encrypted by itself: open it with `age --decrypt --identity KEY-FILE`' : ''}`,
  );
  return EXIT_CODES.ok.code;
}

/** The object as its set's manifest describes it: without that nobody could say whether it is what it was. */
async function artifactNamed(
  store: ReturnType<typeof createArtifactStore>,
  key: string,
): Promise<{ artifact: Artifact; sealed: boolean }> {
  const id = /^sets\/([^/]+)\/./.exec(key)?.[1];
  if (id === undefined) throw notFound(`${key} is not an object of a set`, 'Name one as `dr sets show` lists it.');
  const { set } = await findSet(store, id);
  const found = artifactsOf(set).find((artifact) => artifact.key === key || artifact.key === `${key}.age`);
  const secrets = (set.configuration?.files ?? []).filter(({ kind }) => kind === 'env');
  if (found) return { artifact: found, sealed: secrets.some(({ artifact }) => artifact.key === found.key) };
  throw notFound(`the manifest of ${id} names no ${key}`, `List what it names with \`dr sets show ${id}\`.`);
}

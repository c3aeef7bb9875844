import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createArtifactStore, openIndex } from '../../activities/store/index.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { compareIndexes } from '../../domain/drift.ts';
import { describeCount } from '../../domain/format.ts';
import type { Batches, IndexEntry } from '../../domain/index-entry.ts';
import { manifestKeyOf } from '../../domain/names.ts';
import { artifactsOf, isTorn } from '../../domain/recovery-set.ts';
import { diffSets, type SetDifference, setFacts } from '../../domain/set-diff.ts';
import type { StoredSet } from '../../domain/stored-set.ts';
import { describeGate } from '../../domain/verdict.ts';
import type { Verification } from '../../domain/verification.ts';
import { action, type Cli, command, type Job } from '../command.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { clean } from '../output.ts';
import { exportSet } from '../sets/export.ts';
import { findSet } from '../sets/find.ts';
import { renderTable } from '../table.ts';

const SHORT = 16;

/** `dr sets show ID` */
export function showSetCommand(cli: Cli): Command {
  return command(
    'show',
    'Show what a set consists of, how far it is to be trusted, and every verification with its gates',
    'dr sets show set-20260124T020000Z-1a2b3c',
  )
    .argument('<id>', 'the set, as `dr sets` lists it')
    .action(action(cli, (job, _options: object, [id = '']) => show(job, id)));
}

/** `dr sets diff A B` */
export function diffSetsCommand(cli: Cli): Command {
  return command(
    'diff',
    'Compare two sets: points, aliases, configuration, indexes, rows, release, embeddings',
    'dr sets diff set-20260123T020000Z-1a2b3c set-20260124T020000Z-4d5e6f',
  )
    .argument('<first>', 'one set')
    .argument('<second>', 'the other')
    .action(action(cli, (job, _options: object, [first = '', second = '']) => diff(job, first, second)));
}

/** `dr sets export ID --to DIR` */
export function exportSetCommand(cli: Cli): Command {
  return command(
    'export',
    'Write a whole set with its SHA256SUMS into an empty folder, every object compared with its hash',
    'dr sets export set-20260124T020000Z-1a2b3c --to /mnt/usb/set',
  )
    .argument('<id>', 'the set')
    .requiredOption('--to <folder>', 'an empty or new folder')
    .option('--decrypt', 'write what is encrypted in clear; without it no key is needed')
    .action(action(cli, (job, options: { to: string; decrypt?: boolean }, [id = '']) => write(job, id, options)));
}

async function show({ config, context, out }: Job, id: string): Promise<ExitCode> {
  const found = await findSet(createArtifactStore(config.store), id);
  const { set, state, manifestSha256, verifications } = found;
  const page = context.stdout;
  const facts = setFacts(found).map(([what, value = '']) => [what, value]);
  const parts = artifactsOf(set).map(({ key, bytes, sha256, plain }) => [
    key,
    describeCount(bytes),
    sha256.slice(0, SHORT),
    plain ? `${describeCount(plain.bytes)} decrypted` : '',
  ]);
  const text = [
    out.paint.bold(id),
    renderTable(page, ['', ''], facts),
    renderTable(page, ['object', 'bytes', 'SHA-256', ''], parts),
    `Manifest ${manifestKeyOf(id)}, SHA-256 ${manifestSha256}`,
    ...(verifications.length === 0
      ? ['Never verified: `dr sets verify` does it.']
      : verifications.map(verificationText)),
  ];
  out.answer({ id, state, partsAgree: !isTorn(set), manifestSha256, set, verifications }, text.join('\n'));
  return EXIT_CODES.ok.code;
}

function verificationText({ at, level, verdict, workflowId, gates }: Verification): string {
  const lines = gates.map((gate) => `  ${gate.verdict.padEnd(9)} ${clean(describeGate(gate))}`);
  return [`${at} ${level} verification: ${verdict} (${clean(workflowId)})`, ...lines].join('\n');
}

async function diff({ config, context, out }: Job, first: string, second: string): Promise<ExitCode> {
  const store = createArtifactStore(config.store);
  const [a, b]: StoredSet[] = [await findSet(store, first), await findSet(store, second)];
  const differences = a && b ? [...(await pointDifferences(store, a, b)), ...diffSets(a, b)] : [];
  const rows = differences.map((one) => [one.what, one.first ?? '–', one.second ?? '–']);
  const table = renderTable(context.stdout, ['', first, second], rows);
  out.answer({ first, second, differences }, rows.length > 0 ? table : 'They say the same.');
  return EXIT_CODES.ok.code;
}

/** Points by what they say: equal counts may hide a swap. Each set has a canary of its own, which is no difference. */
async function pointDifferences(store: ArtifactStore, a: StoredSet, b: StoredSet): Promise<SetDifference[]> {
  const canaries = new Set([a, b].map(({ set }) => set.canary?.pointId));
  const read = async function* ({ set }: StoredSet): Batches<IndexEntry> {
    for await (const batch of openIndex(store, set.qdrant.index)) yield batch.filter(({ id }) => !canaries.has(id));
  };
  const { added, changed, removed } = await compareIndexes(read(a), read(b), () => undefined);
  if (added + changed + removed === 0) return [];
  const second = `${describeCount(added)} more, ${describeCount(removed)} fewer, ${describeCount(changed)} with another text or vector`;
  return [{ what: 'points themselves', first: undefined, second }];
}

async function write(
  { config, context, out }: Job,
  id: string,
  { to, decrypt = false }: { to: string; decrypt?: boolean },
): Promise<ExitCode> {
  const store = createArtifactStore(config.store);
  const found = await findSet(store, id);
  const folder = resolve(context.sources.cwd ?? process.cwd(), to);
  const tell = (name: string): void => (context.stderr.isTTY ? out.note(name) : undefined);
  const exported = await exportSet(store, found, { to: folder, decrypt, tell });
  const sealed = !decrypt && artifactsOf(found.set).some(({ plain }) => plain !== undefined);
  // Files of the app's secrets are encrypted by themselves, whatever the store does.
  const secrets = (found.set.configuration?.files ?? []).filter(({ kind }) => kind === 'env').map(({ name }) => name);
  if (secrets.length > 0 && !out.json)
    out.note(`${secrets.join(', ')} stays encrypted: open it with \`age --decrypt --identity KEY-FILE\``);
  out.answer(
    { id, folder, ...exported, encrypted: sealed || secrets.length > 0, encryptedFiles: secrets },
    `${folder}: ${describeCount(exported.files)} files, ${describeCount(exported.bytes)} bytes${sealed ? ', encrypted as in the store' : ''}.\nCompare them again with: cd ${folder} && sha256sum --check SHA256SUMS`,
  );
  return EXIT_CODES.ok.code;
}

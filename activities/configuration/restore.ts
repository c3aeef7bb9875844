import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import { decryptConfiguration } from './decrypt.ts';
import { fetchSecret } from './fetch.ts';
import { readIdentities } from './identities.ts';
import { refused } from './refusal.ts';
import type { Run } from '../run-program.ts';
import { readWhole } from '../lines.ts';

interface Restore {
  /** Where the key is that opens the set; absent where no configuration is backed up any more. */
  readonly config: ConfigurationBackupConfig | undefined;
  readonly store: ArtifactStore;
  readonly run: Run;
}

/**
 * The app's variables as a new server needs them: those of the set's encrypted files, and those that are kept elsewhere, fetched
 * now: a key that was changed since the set counts as it is today. In memory, and nowhere else.
 * @throws CONFIGURATION_REFUSED naming the key or the reference that is missing; SET_TAMPERED, STORE_*
 */
export async function restoreVariables(
  { config, store, run }: Restore,
  { configuration }: RecoverySet,
): Promise<ReadonlyMap<string, Secret>> {
  if (!configuration) return new Map();
  const variables = new Map<string, Secret>();
  if (configuration.files.some(({ kind }) => kind === 'env')) {
    const identities = await readIdentities(config ?? {}, run);
    if ('problem' in identities) throw refused(identities.problem);
    const opened = await decryptConfiguration({ store, identities: identities.keys }, configuration);
    for (const [name, value] of opened.variables) variables.set(name, value);
  }
  for (const reference of configuration.references) {
    const fetched = await fetchSecret(reference, run);
    if ('problem' in fetched) throw refused(`reference ${reference.name}: ${fetched.problem}`);
    // A command and a file end their last line.
    variables.set(reference.name, new Secret(fetched.secret.reveal().trimEnd()));
  }
  return variables;
}

/** The set's files that are no secret: what a deployment declares of the app. */
export async function readPlainFiles(
  store: ArtifactStore,
  { configuration }: RecoverySet,
): Promise<{ name: string; text: string }[]> {
  const plain = (configuration?.files ?? []).filter(({ kind }) => kind === 'file');
  return Promise.all(
    plain.map(async ({ name, artifact }) => ({ name, text: (await readWhole(store, artifact)).toString('utf8') })),
  );
}

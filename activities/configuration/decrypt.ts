import { Secret } from '../../config/secret.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { ConfigurationPart } from '../../domain/set-parts.ts';
import { readWhole } from '../lines.ts';
import { unseal } from './age.ts';
import { parseVariables } from './variables.ts';
import { refused } from './refusal.ts';

/** The app's configuration in clear, in memory and nowhere else. */
export interface DecryptedConfiguration {
  /** By name. Where two files set one variable, the later file wins, as with Docker's `env_file`. */
  readonly variables: ReadonlyMap<string, Secret>;
  /** Whole `.env` files, byte for byte, by name. */
  readonly files: ReadonlyMap<string, Secret>;
}

/**
 * Opens the encrypted files of a set.
 * @param identities private keys of age
 * @throws CONFIGURATION_REFUSED when none of them fits; SET_TAMPERED naming the artifact; STORE_*
 */
export async function decryptConfiguration(
  { store, identities }: { store: ArtifactStore; identities: readonly Secret[] },
  { files: all }: Pick<ConfigurationPart, 'files'>,
): Promise<DecryptedConfiguration> {
  const variables = new Map<string, Secret>();
  const files = new Map<string, Secret>();
  for (const { name, artifact } of all.filter(({ kind }) => kind === 'env')) {
    const text = (await openArtifact({ store, identities }, artifact)).toString('utf8');
    files.set(name, new Secret(text));
    for (const [variable, value] of parseVariables(name, text)) variables.set(variable, new Secret(value));
  }
  return { variables, files };
}

/** Reads and decrypts one artifact. Throws as `decryptConfiguration` does. */
export async function openArtifact(
  { store, identities }: { store: ArtifactStore; identities: readonly Secret[] },
  artifact: Artifact,
): Promise<Buffer> {
  const opened = await unseal(
    identities.map((identity) => identity.reveal()),
    await readWhole(store, artifact),
  );
  if ('plain' in opened) return Buffer.from(opened.plain);
  if (opened.problem === 'broken')
    throw new RecoveryError('SET_TAMPERED', `artifact ${artifact.key} does not decrypt: it was changed or cut short`);
  throw refused(`artifact ${artifact.key} was encrypted for others than the identity that is here`);
}

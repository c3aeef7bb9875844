import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import { Secret } from '../../config/secret.ts';
import { identitiesIn, recipientOf } from './age.ts';
import { fetchSecret } from './fetch.ts';
import type { Run } from '../run-program.ts';

type Source = Pick<ConfigurationBackupConfig, 'identity' | 'identityFile' | 'identityCommand'>;

/** Private keys with the public ones they belong to. */
export type Identities =
  | { readonly keys: readonly Secret[]; readonly recipients: readonly string[] }
  | { readonly problem: string; readonly absent: boolean };

/**
 * The private keys that the settings name, fetched anew each time: an escrowed key may be laid there only for the check.
 * `absent` tells a key that is not here (nothing is proven) from one that is wrong.
 */
export async function readIdentities(source: Source, run: Run): Promise<Identities> {
  const text = await textOf(source, run);
  if (typeof text === 'string') return { problem: text, absent: true };
  const keys = identitiesIn(text.reveal());
  const recipients = (await Promise.all(keys.map(recipientOf))).filter((recipient) => recipient !== undefined);
  if (keys.length === 0 || recipients.length < keys.length)
    return {
      problem: `${nameOf(source)} holds no private key of age (AGE-SECRET-KEY-1…), or a mistyped one`,
      absent: false,
    };
  return { keys: keys.map((key) => new Secret(key)), recipients };
}

async function textOf(source: Source, run: Run): Promise<Secret | string> {
  const { identity, identityFile, identityCommand } = source;
  if (identity) return identity;
  const [from, where] =
    identityFile === undefined ? (['command', identityCommand] as const) : (['file', identityFile] as const);
  if (where === undefined)
    return 'no identity is configured here, so nobody tried whether the configuration can be opened. Set configuration.identityFile, or run `age --decrypt` on the key canary where the key is';
  const fetched = await fetchSecret({ from, where }, run);
  return 'secret' in fetched ? fetched.secret : `${nameOf(source)}: ${fetched.problem}`;
}

function nameOf({ identity, identityFile }: Source): string {
  if (identity) return 'configuration.identity';
  return identityFile === undefined ? 'configuration.identityCommand' : 'configuration.identityFile';
}

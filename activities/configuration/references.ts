import type { ConfigurationPart } from '../../domain/set-parts.ts';
import { clearSecretIn } from './clear-secrets.ts';
import { fetchSecret } from './fetch.ts';
import { refused } from './refusal.ts';
import type { Run } from '../run-program.ts';

type References = ConfigurationPart['references'];

/**
 * @param values what is known to be secret, which a command must not hold
 * Fetches every secret once, and lets it go: a reference that leads nowhere is worth nothing in a recovery.
 * @throws CONFIGURATION_REFUSED that names those that cannot be had, all at once, or one that is itself a secret in clear
 */
export async function checkReferences(
  references: References,
  values: ReadonlyMap<string, string>,
  run: Run,
): Promise<void> {
  for (const [at, { name, where }] of references.entries()) {
    const clear = clearSecretIn(where, values);
    if (!clear) continue;
    throw refused(
      `configuration.references[${at}] (${name}): \`where\` looks like ${clear.what}, and it goes into the manifest in clear. ` +
        'Let the command read the secret from where it is kept',
    );
  }
  const fetched = await Promise.all(references.map((reference) => fetchSecret(reference, run)));
  const missing = fetched.flatMap((found, at) =>
    'problem' in found ? [`configuration.references[${at}] (${references[at]?.name ?? ''}): ${found.problem}`] : [],
  );
  if (missing.length > 0) throw refused(`${missing.join('; ')}. A recovery would not find these secrets either`);
}

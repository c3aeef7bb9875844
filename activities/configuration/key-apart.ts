import { stat } from 'node:fs/promises';
import { identitiesIn, recipientOf } from './age.ts';
import type { Captured } from './files.ts';
import { refused } from './refusal.ts';

const APART = 'Keep it apart from everything that it opens (on paper, in a password manager, with another person)';

/**
 * A key in the set that it opens is no key: whoever has lost everything else has lost it too.
 * @throws CONFIGURATION_REFUSED that names the file and what to do
 */
export async function refuseKeyInSet(
  files: readonly Captured[],
  { recipients, identityFile }: { recipients: readonly string[]; identityFile?: string | undefined },
): Promise<void> {
  const key = identityFile === undefined ? undefined : await placeOf(identityFile);
  for (const { name, path, text, place } of files) {
    if (place === key || path === identityFile)
      throw refused(`${path} is the identity file that opens the set, and would lie in it. ${APART}`);
    for (const identity of identitiesIn(text)) {
      const recipient = await recipientOf(identity);
      if (recipient === undefined || !recipients.includes(recipient)) continue;
      throw refused(
        `${path} (${name}) holds the private key of the recipient ${recipient}, and would lie in the set that it opens. ` +
          `Take it out of the file. ${APART}`,
      );
    }
  }
}

/** A key that is not there now, since it is kept elsewhere, is where it should be. */
async function placeOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev}/${found.ino}`;
}

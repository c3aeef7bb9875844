import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import type { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { setFolderOf } from '../../domain/names.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { ConfigurationPart } from '../../domain/set-parts.ts';
import type { Gate } from '../../domain/verdict.ts';
import { decryptConfiguration, openArtifact } from './decrypt.ts';
import { type Identities, readIdentities } from './identities.ts';
import { keyCanaryText } from './key-canary.ts';
import type { Run } from '../run-program.ts';

interface Check {
  /** Absent where no configuration is backed up any more: older sets may still have some. */
  readonly config: ConfigurationBackupConfig | undefined;
  readonly store: ArtifactStore;
  readonly run: Run;
}

/** Whether the encrypted part of a set can be opened, and holds what the manifest says. A set without one has no gates. */
export async function checkKeyCanary({ config, store, run }: Check, set: RecoverySet): Promise<Gate[]> {
  const part = set.configuration;
  if (!part) return [];
  const identities = await readIdentities(config ?? {}, run);
  const key = await keyGate(store, part, setFolderOf(set.id), identities);
  const variables = await variablesGate(store, part, identities);
  return [recipientsGate(part), key, variables];
}

/** One key is enough to open a set, and its loss enough to lose it: said, and no reason to do without the set. */
function recipientsGate({ recipients }: ConfigurationPart): Gate {
  const [only] = recipients;
  const observed =
    recipients.length === 1 && only !== undefined
      ? `one recipient, ${only}. WARNING: whoever loses that key loses the configuration; add a second recipient`
      : `${recipients.length} recipients`;
  const verdict = recipients.length === 0 ? 'fail' : 'pass';
  return { name: 'configuration recipients', verdict, expected: 'one recipient at least, better two', observed };
}

async function keyGate(
  store: ArtifactStore,
  { keyCanary, recipients }: ConfigurationPart,
  folder: string,
  identities: Identities,
): Promise<Gate> {
  const gate = { name: 'configuration key', expected: 'the identity that is here opens the key canary' };
  if (!keyCanary) return { ...gate, verdict: 'fail', observed: 'the set has no key canary' };
  if ('problem' in identities)
    return { ...gate, verdict: identities.absent ? 'unproven' : 'fail', observed: identities.problem };
  return judged(gate, async () => {
    const text = (await openArtifact({ store, identities: identities.keys }, keyCanary)).toString('utf8');
    if (text !== keyCanaryText(folder)) return { verdict: 'fail', observed: 'it opens, and holds another text' };
    const fits = identities.recipients.filter((recipient) => recipients.includes(recipient));
    return { verdict: 'pass', observed: `opened by the key of ${fits.join(', ')}` };
  });
}

async function variablesGate(store: ArtifactStore, part: ConfigurationPart, identities: Identities): Promise<Gate> {
  const count = part.files.filter(({ kind }) => kind === 'env').length;
  const expected = `${count} encrypted files with the ${part.variables.length} variables of the manifest`;
  const gate = { name: 'configuration variables', expected };
  if ('problem' in identities)
    return { ...gate, verdict: identities.absent ? 'unproven' : 'fail', observed: 'not opened, for want of a key' };
  return judged(gate, () => compareNames(store, part, identities.keys));
}

type Judged = Pick<Gate, 'verdict' | 'observed'>;

async function compareNames(
  store: ArtifactStore,
  part: ConfigurationPart,
  identities: readonly Secret[],
): Promise<Judged> {
  const found = new Set((await decryptConfiguration({ store, identities }, part)).variables.keys());
  const missing = part.variables.filter((name) => !found.has(name));
  const others = [...found].filter((name) => !part.variables.includes(name)).sort();
  const wrong = [
    ...(missing.length > 0 ? [`not in the files: ${missing.join(', ')}`] : []),
    ...(others.length > 0 ? [`not in the manifest: ${others.join(', ')}`] : []),
  ];
  return wrong.length > 0
    ? { verdict: 'fail', observed: wrong.join('; ') }
    : { verdict: 'pass', observed: 'all of them, and no others' };
}

/** What the set is to blame for is a verdict; what keeps us from looking is a failure. */
async function judged(gate: Pick<Gate, 'name' | 'expected'>, look: () => Promise<Judged>): Promise<Gate> {
  try {
    return { ...gate, ...(await look()) };
  } catch (error) {
    const ours = error instanceof RecoveryError && ['SET_TAMPERED', 'CONFIGURATION_REFUSED'].includes(error.code);
    if (!ours) throw error;
    return { ...gate, verdict: 'fail', observed: error.message };
  }
}

import { randomUUID } from 'node:crypto';
import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import type { ConfigurationPart } from '../../domain/set-parts.ts';
import { putBytes } from '../lines.ts';
import { seal } from './age.ts';
import { clearSecretIn, secretValuesIn } from './clear-secrets.ts';
import { type Captured, keyPartOf, readCaptured } from './files.ts';
import { keyCanaryText } from './key-canary.ts';
import { refuseKeyInSet } from './key-apart.ts';
import { checkReferences } from './references.ts';
import { refused } from './refusal.ts';
import { describeRelease } from './release.ts';
import type { Run } from '../run-program.ts';
import { parseVariables } from './variables.ts';

/** So that people and `age` know it for what it is. */
const SEALED = '.age';

export interface Capture {
  readonly config: ConfigurationBackupConfig;
  readonly store: ArtifactStore;
  readonly run: Run;
}

/** What was found and judged, before anything of it is written. */
interface Found extends Omit<ConfigurationPart, 'files' | 'keyCanary'> {
  readonly envFiles: readonly Captured[];
  readonly plainFiles: readonly Captured[];
}

/**
 * Reads and judges the app's configuration, then writes it. Another attempt writes under names of its own, since artifacts
 * are never replaced and nothing encrypts to the same bytes twice.
 * @throws CONFIGURATION_REFUSED before anything is written; STORE_*, DISK_FULL
 */
export async function captureConfiguration(
  { config, store, run }: Capture,
  folder: string,
): Promise<ConfigurationPart> {
  const { envFiles, plainFiles, ...found } = await find(config, run);
  const { recipients } = found;
  const attempt = randomUUID().slice(0, 8);
  const taken = new Set<string>();
  const keyOf = (name: string, suffix = ''): string => {
    let part = keyPartOf(name) + suffix;
    while (taken.has(part)) part = `x-${part}`;
    taken.add(part);
    return `${folder}/configuration/${attempt}/${part}`;
  };
  const put = (key: string, bytes: Uint8Array): Promise<Artifact> => putBytes(store, key, bytes);
  const files: ConfigurationPart['files'] = [];
  for (const { name, bytes } of envFiles)
    files.push({ name, kind: 'env', artifact: await put(keyOf(name, SEALED), await seal(recipients, bytes)) });
  for (const { name, bytes } of plainFiles) files.push({ name, kind: 'file', artifact: await put(keyOf(name), bytes) });
  const canary = await seal(recipients, Buffer.from(keyCanaryText(folder)));
  return { ...found, files, keyCanary: await put(keyOf('key-canary', SEALED), canary) };
}

async function find(config: ConfigurationBackupConfig, run: Run): Promise<Found> {
  const envFiles = await readCaptured('configuration.envFiles', config.envFiles);
  const plainFiles = await readCaptured('configuration.files', config.files);
  const recipients = [...new Set(config.recipients)];
  await refuseKeyInSet([...envFiles, ...plainFiles], { recipients, identityFile: config.identityFile });
  const byFile = envFiles.map(({ path, text }) => parseVariables(path, text));
  const values = new Map(byFile.flatMap((variables) => [...secretValuesIn(variables)]));
  for (const file of plainFiles) refuseClearSecret(file, values);
  await checkReferences(config.references, values, run);
  const release = config.release && (await describeRelease(config.release, run));
  const variables = [...new Set(byFile.flatMap((names) => [...names.keys()]))].sort();
  return { envFiles, plainFiles, recipients, variables, references: config.references, ...(release && { release }) };
}

function refuseClearSecret({ path, text }: Captured, values: ReadonlyMap<string, string>): void {
  const clear = clearSecretIn(text, values);
  if (!clear) return;
  throw refused(
    `${path}, line ${clear.line} looks like ${clear.what} in clear, and would be kept so. ` +
      'Take the value from the environment (${NAME}) or from a file of secrets',
  );
}

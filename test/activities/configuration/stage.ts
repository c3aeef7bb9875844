import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { createConfigurationActivities } from '../../../activities/configuration/index.ts';
import { withFailures } from '../../../activities/fail.ts';
import type { ConfigurationActivities } from '../../../activities/set-contract.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { type ConfigurationBackupConfig, configurationBackupSchema } from '../../../config/configuration.ts';
import type { ArtifactStore } from '../../../domain/artifacts.ts';
import { setFolderOf } from '../../../domain/names.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import type { ConfigurationPart } from '../../../domain/set-parts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { makeSet } from '../../support/recovery-set.ts';

export interface KeyPair {
  readonly identity: string;
  readonly recipient: string;
}

export async function keyPair(): Promise<KeyPair> {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** An app's folder and a store, each new. */
export interface Stage {
  readonly app: string;
  readonly directory: string;
  readonly store: ArtifactStore;
  /** The set that a captured part belongs to. */
  readonly set: RecoverySet;
  readonly folder: string;
  /** Writes a file of the app and tells its path. */
  write(name: string, text: string | Uint8Array): Promise<string>;
  run<R>(
    config: object | undefined,
    use: (act: ConfigurationActivities) => Promise<R>,
    environment?: Record<string, string | undefined>,
  ): Promise<R>;
  capture(config: object, environment?: Record<string, string | undefined>): Promise<ConfigurationPart>;
  /** The set with that part. */
  withPart(configuration: ConfigurationPart): RecoverySet;
}

export async function setStage(): Promise<Stage> {
  const [app, directory] = [temporaryFolder('app'), temporaryFolder('store')];
  const store = createDiskStore(directory);
  const set = await makeSet(store);
  const folder = setFolderOf(set.id);
  const run: Stage['run'] = (config, use, environment = { PATH: process.env['PATH'] }) => {
    const parsed: ConfigurationBackupConfig | undefined = config && configurationBackupSchema.parse(config);
    const act = withFailures(createConfigurationActivities({ config: parsed, store, environment }));
    return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() => use(act));
  };
  return {
    app,
    directory,
    store,
    set,
    folder,
    write: async (name, text) => {
      const path = join(app, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      return path;
    },
    run,
    capture: (config, environment) => run(config, (act) => act.captureConfiguration({ folder }), environment),
    withPart: (configuration) => ({ ...set, configuration }),
  };
}

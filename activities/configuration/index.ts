import { cancellationSignal } from '@temporalio/activity';
import type { ConfigurationBackupConfig } from '../../config/configuration.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { ConfigurationActivities } from '../set-contract.ts';
import { isRecipient } from './age.ts';
import { captureConfiguration } from './capture.ts';
import { checkKeyCanary } from './check.ts';
import type { Environment, Run } from '../run-program.ts';

const DEADLINE_SECONDS = 30;

export interface ConfigurationDependencies {
  /** Absent for a stack whose configuration is not backed up. */
  readonly config: ConfigurationBackupConfig | undefined;
  readonly store: ArtifactStore;
  /** The worker's own environment: references may be variables, and commands need it. */
  readonly environment: Environment;
}

/**
 * Activities that keep the app's configuration, and prove that it can be opened.
 * @throws INVALID_CONFIGURATION for recipients that are none
 */
export function createConfigurationActivities({
  config,
  store,
  environment,
}: ConfigurationDependencies): ConfigurationActivities {
  if (config) checkRecipients(config.recipients);
  const timeoutMs = (config?.timeoutSeconds ?? DEADLINE_SECONDS) * 1_000;
  const run = (): Run => ({ environment, timeoutMs, signal: cancellationSignal() });
  return {
    captureConfiguration: async ({ folder }) => {
      if (config) return captureConfiguration({ config, store, run: run() }, folder);
      throw new RecoveryError('INVALID_CONFIGURATION', 'configuration: is not set, so there is nothing to capture');
    },
    checkKeyCanary: ({ set }) => checkKeyCanary({ config, store, run: run() }, set),
  };
}

/** The schema knows the form of a public key; its checksum is tried here. */
function checkRecipients(recipients: readonly string[]): void {
  if (recipients.length === 0)
    throw new RecoveryError(
      'INVALID_CONFIGURATION',
      'configuration.recipients: must name at least one public key of age',
    );
  const wrong = recipients.findIndex((recipient) => !isRecipient(recipient));
  if (wrong === -1) return;
  throw new RecoveryError(
    'INVALID_CONFIGURATION',
    `configuration.recipients[${wrong}]: is no public key of age (mistyped or cut off)`,
  );
}

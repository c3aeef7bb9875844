import { type Deployed, type Deployer, type Release } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';

export type DeployInput = Parameters<Deployer['deploy']>[0];

/** What no program, address or header takes for something else than a name. */
const NAME = /^[A-Za-z0-9][\w.:/@+-]*$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The release and the names of the variables come from outside, and go into commands and addresses.
 * @throws RecoveryError DEPLOY_REFUSED naming what is no name
 */
export function checkInput(what: string, { release, variables }: DeployInput): void {
  for (const [field, text] of Object.entries(release))
    if (!NAME.test(String(text)))
      throw refused(what, `release.${field}: ${JSON.stringify(text)} is no name of a release`);
  for (const [name, value] of Object.entries(variables)) {
    if (!VARIABLE.test(name)) throw refused(what, `${JSON.stringify(name)} is no name of a variable`);
    if (value.includes('\0')) throw refused(what, `the variable ${name} holds a zero byte`);
  }
}

/** Whether it runs, as far as that can be told. */
export function runsRelease({ state, release }: Deployed, { pinned }: Release): boolean {
  return state === 'running' && (release === null || release === pinned);
}

/** What was found, for a message. */
export function describeFound({ state, release }: Deployed): string {
  return release === null ? state : `${state}, with ${release}`;
}

export function refused(what: string, why: string): RecoveryError {
  return new RecoveryError('DEPLOY_REFUSED', `${what}: ${why}`);
}

export function failed(what: string, why: string, words = ''): RecoveryError {
  return new RecoveryError('DEPLOY_FAILED', `${what}: ${why}${words === '' ? '' : `: ${words}`}`);
}

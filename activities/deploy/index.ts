import type { DeployConfig } from '../../config/deploy.ts';
import type { Deployer } from '../../domain/deployment.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Environment } from '../run-program.ts';
import { createCommandDeployer } from './command.ts';
import { createDockerDeployer } from './docker.ts';
import { createHfSpaceDeployer } from './hf-space.ts';
import { createRenderDeployer } from './render.ts';

export interface DeployParts {
  /** The name of the environment. What belongs to another one is not touched. */
  readonly environment: string;
  /** What programs that run here are given: the worker's own variables. */
  readonly variables: Environment;
}

/** The deployer that is configured. @throws RecoveryError INVALID_CONFIGURATION where none is */
export function createDeployer(
  { command, docker, render, hfSpace }: DeployConfig,
  { variables, environment }: DeployParts,
): Deployer {
  if (command) return createCommandDeployer(command, variables);
  if (docker) return createDockerDeployer(docker, environment);
  if (render) return createRenderDeployer(render);
  if (hfSpace) return createHfSpaceDeployer(hfSpace, variables);
  throw new RecoveryError('INVALID_CONFIGURATION', 'deploy: none of command, docker, render and hfSpace');
}

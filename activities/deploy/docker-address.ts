import type { DockerDeployConfig } from '../../config/deploy.ts';

/** Where the engine is, as people write it. */
export function addressOf({ socket, tcp }: Pick<DockerDeployConfig, 'socket' | 'tcp'>): string {
  return tcp ? `tcp://${tcp.host}:${tcp.port}` : `unix://${socket ?? ''}`;
}

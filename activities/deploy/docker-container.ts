import type { DockerDeployConfig } from '../../config/deploy.ts';
import type { Release } from '../../domain/deployment.ts';
import type { ContainerOptions } from './docker-engine.ts';
import { type DeployInput, refused } from './input.ts';

/** What tells whose a container is. */
export const LABELS = {
  environment: 'recovery-runbooks.environment',
  release: 'recovery-runbooks.release',
  key: 'recovery-runbooks.key',
  /** The attempt that has made it: any other one has found it. */
  attempt: 'recovery-runbooks.attempt',
} as const;

export interface Wanted extends DeployInput {
  readonly environment: string;
  readonly attempt: string;
}

const SECOND_NS = 1_000_000_000;
const DIGEST = /sha256:[0-9a-f]{64}$/;

/**
 * The image by its digest: a tag may move. An id alone (`sha256:...`) is one that the engine has already.
 * @throws RecoveryError DEPLOY_REFUSED for a release that is no image
 */
export function imageOf(what: string, { ref, pinned }: Release): { readonly name: string; readonly pullable: boolean } {
  const digest = DIGEST.exec(pinned)?.[0];
  if (digest === undefined || (ref.includes('@') && !ref.endsWith(`@${digest}`)))
    throw refused(what, `${ref} (${pinned}) is no image with its digest: image@sha256:... is deployed here`);
  if (ref.startsWith('sha256:')) return { name: ref, pullable: false };
  return { name: `${ref.replace(/@.*$/, '').replace(/:[^:/]*$/, '')}@${digest}`, pullable: true };
}

/** @throws RecoveryError DEPLOY_REFUSED for a release that is no image */
export function optionsFor(what: string, config: DockerDeployConfig, wanted: Wanted): ContainerOptions {
  const { ports, volumes, network, restart, healthcheck } = config;
  const nameOf = (port: { container: number; protocol: string }): string => `${port.container}/${port.protocol}`;
  return {
    Image: imageOf(what, wanted.release).name,
    Env: Object.entries(wanted.variables).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [LABELS.environment]: wanted.environment,
      [LABELS.release]: wanted.release.pinned,
      [LABELS.key]: wanted.key,
      [LABELS.attempt]: wanted.attempt,
    },
    ExposedPorts: Object.fromEntries(ports.map((port) => [nameOf(port), {}])),
    HostConfig: {
      PortBindings: Object.fromEntries(
        ports.map((port) => [
          nameOf(port),
          ports
            .filter((one) => nameOf(one) === nameOf(port))
            .map(({ address, host }) => ({ HostIp: address, HostPort: String(host) })),
        ]),
      ),
      Binds: [...volumes],
      RestartPolicy: { Name: restart },
      ...(network === undefined ? {} : { NetworkMode: network }),
    },
    ...(healthcheck && {
      Healthcheck: {
        Test: ['CMD', ...healthcheck.run],
        Interval: healthcheck.intervalSeconds * SECOND_NS,
        Timeout: healthcheck.timeoutSeconds * SECOND_NS,
        Retries: healthcheck.retries,
        StartPeriod: healthcheck.startSeconds * SECOND_NS,
      },
    }),
  };
}

import type { AppServerConfig, AppServersConfig } from '../../../config/app-servers.ts';
import type { AppConfig } from '../../../config/schema.ts';
import type { Deployer } from '../../../domain/deployment.ts';
import { RecoveryError } from '../../../domain/failures.ts';

/** The app as it is asked, and what it must not be quoted with: an app that fails tells its settings. */
export type AskedApp = AppConfig & { readonly secrets: readonly string[] };

/** One server of the app, with what deploys there. */
export interface Place {
  readonly name: string;
  readonly config: AppServerConfig;
  /** How the app is asked there: the settings of the app with this server's own address. */
  readonly app: AskedApp;
  readonly deployer: Deployer;
}

/** @throws RecoveryError INVALID_INPUT for a name that no server has */
export function placeOf(places: ReadonlyMap<string, Place>, name: string): Place {
  const place = places.get(name);
  if (place) return place;
  throw new RecoveryError(
    'INVALID_INPUT',
    `there is no app server ${name}; there are ${[...places.keys()].join(', ')}`,
  );
}

/** The servers that the settings name. */
export function placesOf(
  { servers }: AppServersConfig,
  app: AskedApp,
  deployerOf: (name: string, server: AppServerConfig) => Deployer,
): ReadonlyMap<string, Place> {
  return new Map(
    Object.entries(servers).map(([name, config]) => [
      name,
      { name, config, app: { ...app, baseUrl: config.url }, deployer: deployerOf(name, config) },
    ]),
  );
}

/** The key that readers send, as a header. */
export function keyOf({ authHeader }: AppConfig): Record<string, string> {
  return authHeader ? { [authHeader.name.toLowerCase()]: authHeader.value.reveal() } : {};
}

export function secretsOf({ authHeader, secrets }: AskedApp): string[] {
  return authHeader ? [authHeader.value.reveal(), ...secrets] : [...secrets];
}

/** Where a server listens, with the scheme's own port where none is written. */
export function endpointOf(url: string): { https: boolean; host: string; port: number } {
  const { protocol, hostname, port } = new URL(url);
  const https = protocol === 'https:';
  return { https, host: hostname, port: Number(port) || (https ? 443 : 80) };
}

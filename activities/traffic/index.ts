import type { TrafficConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { TrafficRouter } from '../../domain/traffic.ts';
import { createCaddyRouter } from './caddy.ts';
import { createCloudflareRouter } from './cloudflare.ts';
import { createFrontendRouter } from './frontend-config.ts';
import { createHaproxyRouter } from './haproxy.ts';

/** The router that is configured. @throws RecoveryError INVALID_CONFIGURATION where none is */
export function createTrafficRouter({ caddy, haproxy, cloudflare, frontendConfig }: TrafficConfig): TrafficRouter {
  if (caddy) return createCaddyRouter(caddy);
  if (haproxy) return createHaproxyRouter(haproxy);
  if (cloudflare) return createCloudflareRouter(cloudflare);
  if (frontendConfig) return createFrontendRouter(frontendConfig);
  throw new RecoveryError('INVALID_CONFIGURATION', 'traffic: none of caddy, haproxy, cloudflare and frontendConfig');
}

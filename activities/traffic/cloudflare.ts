import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import type { CloudflareConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { TrafficRouter, TrafficState } from '../../domain/traffic.ts';
import { createRouter, type Lever } from './switch-over.ts';
import { callVendor, expectAnswer, type Vendor, type VendorCall } from './vendor.ts';

/** What Cloudflare answers with: the thing itself is inside. */
const inResult = <T extends z.ZodType>(result: T) => z.object({ success: z.literal(true), result });

const recordSchema = inResult(z.object({ type: z.string(), content: z.string(), modified_on: z.string().optional() }));

/** Other keys (`header`, `virtual_network_id`) are sent back as they came. */
const originSchema = z.looseObject({
  name: z.string(),
  address: z.string(),
  enabled: z.boolean().default(true),
  weight: z.number().default(1),
  port: z.number().default(0),
});
type Origin = z.infer<typeof originSchema>;

const poolSchema = inResult(
  z.object({
    enabled: z.boolean().default(true),
    origins: z.array(originSchema),
    modified_on: z.string().optional(),
  }),
);

/** How the content of a record must look. Types cannot be changed in place. */
const FITS: Readonly<Record<string, (content: string) => boolean>> = {
  A: isIPv4,
  AAAA: isIPv6,
  CNAME: (content) => /^(?=.*[a-z])[a-z0-9_.-]+$/i.test(content) && !isIPv4(content),
};

/**
 * A DNS record, or which origins of a load balancer's pool are enabled. Cloudflare locks nothing: what somebody else changes
 * between our look and our change, some milliseconds later, is not noticed. A record that is not proxied is remembered by
 * resolvers for its TTL, and requests follow only then.
 */
export function createCloudflareRouter(config: CloudflareConfig): TrafficRouter {
  const { dnsRecord, pool, apiUrl, token } = config;
  const vendor: Vendor = { name: 'Cloudflare', apiUrl, token };
  const call = (request: VendorCall): Promise<unknown> => callVendor(vendor, request);
  if (pool) return createRouter(poolLever(pool, call));
  if (dnsRecord) return createRouter(recordLever(dnsRecord, call));
  throw new RecoveryError('INVALID_CONFIGURATION', 'traffic.cloudflare: neither dnsRecord nor pool');
}

type Calling = (request: VendorCall) => Promise<unknown>;

function recordLever(
  { zoneId, recordId }: NonNullable<CloudflareConfig['dnsRecord']>,
  call: Calling,
): Lever<TrafficState & { readonly type: string }> {
  const what = `Cloudflare, DNS record ${recordId}`;
  const path = `/zones/${zoneId}/dns_records/${recordId}`;
  return {
    what,
    async look(signal) {
      const { result } = expectAnswer(what, recordSchema, await call({ method: 'GET', path, signal }));
      return { targets: [result.content], revision: result.modified_on ?? null, type: result.type };
    },
    async change({ type }, to, signal) {
      const [content = '', ...more] = to;
      if (more.length > 0) throw refused(what, 'one record has one address: more targets need a load balancer');
      if (!FITS[type]?.(content)) throw refused(what, `it is of type ${type}, which cannot say ${content}`);
      await call({ method: 'PATCH', path, json: { content }, signal });
    },
  };
}

function poolLever(
  { accountId, poolId }: NonNullable<CloudflareConfig['pool']>,
  call: Calling,
): Lever<TrafficState & { readonly origins: readonly Origin[] }> {
  const what = `Cloudflare, pool ${poolId}`;
  const path = `/accounts/${accountId}/load_balancers/pools/${poolId}`;
  return {
    what,
    async look(signal) {
      const { result } = expectAnswer(what, poolSchema, await call({ method: 'GET', path, signal }));
      if (!result.enabled) throw refused(what, 'the pool is disabled: whatever is enabled in it gets no request');
      const targets = result.origins.filter(({ enabled, weight }) => enabled && weight > 0).map(addressOf);
      return { targets, revision: result.modified_on ?? null, origins: result.origins };
    },
    async change({ origins }, to, signal) {
      const addresses = origins.map(addressOf);
      const unknown = to.find((target) => addresses.filter((address) => address === target).length !== 1);
      if (unknown !== undefined) throw refused(what, `${unknown} is not one of its origins, ${addresses.join(', ')}`);
      await call({ method: 'PATCH', path, json: { origins: origins.map((one) => turned(one, to)) }, signal });
    },
  };
}

function addressOf({ address, port }: Origin): string {
  return port === 0 ? address : `${address}:${port}`;
}

/** When it was disabled is Cloudflare's to say. */
function turned(origin: Origin, to: readonly string[]): object {
  const { disabled_at: _, ...kept } = origin;
  const enabled = to.includes(addressOf(origin));
  return { ...kept, enabled, weight: enabled && origin.weight === 0 ? 1 : origin.weight };
}

function refused(what: string, why: string): RecoveryError {
  return new RecoveryError('TRAFFIC_REFUSED', `${what}: ${why}`);
}

import { z } from 'zod';
import type { RenderDeployConfig } from '../../config/deploy.ts';
import { callVendor, expectAnswer, type Vendor, type VendorCall } from './vendor.ts';

const PAGE = 100;
const LISTED = 50;

const serviceSchema = z.object({ id: z.string(), ownerId: z.string(), suspended: z.string() });
export type RenderService = z.infer<typeof serviceSchema>;

const deploySchema = z.object({
  id: z.string(),
  status: z.string().default('created'),
  commit: z.object({ id: z.string().optional() }).nullish(),
  image: z.object({ ref: z.string().optional(), sha: z.string().optional() }).nullish(),
  createdAt: z.string().optional(),
});
export type RenderDeploy = z.infer<typeof deploySchema>;

const listSchema = z.array(z.object({ deploy: deploySchema }));
const variablesSchema = z.array(
  z.object({ envVar: z.object({ key: z.string(), value: z.string().default('') }), cursor: z.string().default('') }),
);
const logsSchema = z.object({ logs: z.array(z.object({ message: z.string() })).nullable() });

/** One service. @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED */
export interface Render {
  service(signal?: AbortSignal): Promise<RenderService>;
  /** The newest first. */
  deploys(signal?: AbortSignal): Promise<readonly RenderDeploy[]>;
  deploy(id: string, signal?: AbortSignal): Promise<RenderDeploy>;
  /** Undefined where Render has put it into its queue without an id. */
  begin(
    what: { readonly commitId: string } | { readonly imageUrl: string },
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  variables(signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  setVariable(name: string, value: string, signal?: AbortSignal): Promise<void>;
  /** Once more is fine for Render's state, though it may be answered by a refusal. */
  turn(to: 'suspend' | 'resume', signal?: AbortSignal): Promise<void>;
  /** What was said since, the oldest first. */
  logs(ownerId: string, since: string | undefined, signal?: AbortSignal): Promise<readonly string[]>;
}

/** @param more what goes with every request */
export function createRender(config: RenderDeployConfig, more: Pick<Vendor, 'secrets' | 'waits'> = {}): Render {
  const { apiUrl, token, serviceId } = config;
  const vendor: Vendor = { name: 'Render', apiUrl, token, ...more };
  const base = `/services/${serviceId}`;
  const ask = async <T>(schema: z.ZodType<T>, call: VendorCall): Promise<T> =>
    expectAnswer(`Render, ${call.path}`, schema, await callVendor(vendor, call));
  return {
    service: (signal) => ask(serviceSchema, { method: 'GET', path: base, signal }),
    deploys: async (signal) => {
      const listed = await ask(listSchema, { method: 'GET', path: `${base}/deploys?limit=${LISTED}`, signal });
      return listed.map(({ deploy }) => deploy);
    },
    deploy: (id, signal) => ask(deploySchema, { method: 'GET', path: `${base}/deploys/${id}`, signal }),
    begin: async (what, signal) => {
      const answer = await callVendor(vendor, { method: 'POST', path: `${base}/deploys`, json: what, signal });
      return answer === undefined ? undefined : expectAnswer('Render, new deploy', deploySchema, answer).id;
    },
    variables: async (signal) => {
      const found = new Map<string, string>();
      for (let cursor: string | undefined = ''; cursor !== undefined;) {
        const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === '' ? {} : { cursor }) });
        const path = `${base}/env-vars?${query.toString()}`;
        const page: z.infer<typeof variablesSchema> = await ask(variablesSchema, { method: 'GET', path, signal });
        for (const { envVar } of page) found.set(envVar.key, envVar.value);
        cursor = page.length < PAGE ? undefined : page.at(-1)?.cursor;
      }
      return found;
    },
    setVariable: async (name, value, signal) => {
      await callVendor(vendor, { method: 'PUT', path: `${base}/env-vars/${name}`, json: { value }, signal });
    },
    turn: async (to, signal) => {
      await callVendor(vendor, { method: 'POST', path: `${base}/${to}`, repeatable: true, signal });
    },
    logs: async (ownerId, since, signal) => {
      const times = since === undefined ? {} : { startTime: since };
      const query = new URLSearchParams({ ownerId, resource: serviceId, limit: String(PAGE), ...times });
      const { logs } = await ask(logsSchema, { method: 'GET', path: `/logs?${query.toString()}`, signal });
      return (logs ?? []).map(({ message }) => message).reverse();
    },
  };
}

import { z } from 'zod';
import type { FrontendConfig } from '../../config/traffic.ts';
import { callVendor, expectAnswer, type Vendor } from './vendor.ts';

const variableSchema = z.object({ value: z.string(), updated_at: z.string() });

const runSchema = z.object({
  id: z.number(),
  status: z.string().nullable(),
  conclusion: z.string().nullable(),
  html_url: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type Run = z.infer<typeof runSchema>;

const runsSchema = z.object({ workflow_runs: z.array(runSchema) });
const startedSchema = z.object({ workflow_run_id: z.number() });

export interface Variable {
  readonly value: string;
  /** GitHub's clock. */
  readonly updatedAt: string;
}

/** One variable of a repository, and the workflow that builds with it. */
export interface Github {
  readonly what: string;
  variable(signal?: AbortSignal): Promise<Variable>;
  setVariable(value: string, signal?: AbortSignal): Promise<void>;
  /**
   * Runs begun in a later second than `moment`, the newest first: they have read a variable that was set then. GitHub tells
   * whole seconds, so that of one in the same second it is not known.
   */
  runsAfter(moment: string, signal?: AbortSignal): Promise<readonly Run[]>;
  run(id: number, signal?: AbortSignal): Promise<Run>;
  /** Starts a run. Gives back its id where GitHub tells it; older servers do not. */
  start(signal?: AbortSignal): Promise<number | undefined>;
}

/** The parts of GitHub's REST API that it takes. @throws RecoveryError TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED */
export function createGithub(config: FrontendConfig): Github {
  const { apiUrl, token, repository, workflow, ref } = config;
  const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
  const vendor: Vendor = { name: 'GitHub', apiUrl, token, headers };
  const variable = `/repos/${repository}/${placeOf(config)}`;
  const runs = `/repos/${repository}/actions/workflows/${encodeURIComponent(workflow)}`;
  const what = `GitHub, ${repository}`;
  return {
    what,
    async variable(signal) {
      const answer = await callVendor(vendor, { method: 'GET', path: variable, signal });
      const { value, updated_at } = expectAnswer(`${what}, ${config.variable}`, variableSchema, answer);
      return { value, updatedAt: updated_at };
    },
    async setVariable(value, signal) {
      await callVendor(vendor, { method: 'PATCH', path: variable, json: { value }, signal });
    },
    async runsAfter(moment, signal) {
      const created = `>${new Date(moment).toISOString().slice(0, 19)}Z`;
      const query = new URLSearchParams({ branch: ref, created, per_page: '50' });
      const answer = await callVendor(vendor, { method: 'GET', path: `${runs}/runs?${query.toString()}`, signal });
      return expectAnswer(`${what}, runs`, runsSchema, answer).workflow_runs;
    },
    async run(id, signal) {
      const answer = await callVendor(vendor, {
        method: 'GET',
        path: `/repos/${repository}/actions/runs/${id}`,
        signal,
      });
      return expectAnswer(`${what}, run ${id}`, runSchema, answer);
    },
    async start(signal) {
      const json = { ref, return_run_details: true };
      const answer = await callVendor(vendor, { method: 'POST', path: `${runs}/dispatches`, json, signal });
      return answer === undefined ? undefined : expectAnswer(`${what}, new run`, startedSchema, answer).workflow_run_id;
    },
  };
}

function placeOf({ variable, environment }: FrontendConfig): string {
  if (environment === undefined) return `actions/variables/${variable}`;
  return `environments/${encodeURIComponent(environment)}/variables/${variable}`;
}

import { z } from 'zod';
import type { HfSpaceDeployConfig } from '../../config/deploy.ts';
import { asJson } from './json.ts';
import { callVendor, expectAnswer, type Vendor, type VendorCall } from './vendor.ts';

/** How long logs are listened to: the stream has no end. */
const LISTEN_MS = 3_000;

const runtimeSchema = z.object({
  stage: z.string(),
  errorMessage: z.string().nullish(),
  /** The commit that runs, or is being built. Older servers do not tell it. */
  sha: z.string().nullish(),
});
export type Runtime = z.infer<typeof runtimeSchema>;

const spaceSchema = z.object({ sha: z.string().nullish() });
const variablesSchema = z.record(z.string(), z.object({ value: z.string().nullish() }));
const commitsSchema = z.array(z.object({ id: z.string(), title: z.string().default('') }));

/** One Space. @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED */
export interface Space {
  runtime(signal?: AbortSignal): Promise<Runtime>;
  /** The newest commit of the Space's repository; undefined while it has none. */
  head(signal?: AbortSignal): Promise<string | undefined>;
  /** Titles of the newest commits, by their ids. */
  titles(signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  variables(signal?: AbortSignal): Promise<ReadonlyMap<string, string>>;
  set(kind: 'variables' | 'secrets', key: string, value: string, signal?: AbortSignal): Promise<void>;
  turn(to: 'restart' | 'pause', signal?: AbortSignal): Promise<void>;
  /** What has been said lately; empty when that cannot be had. */
  logs(kind: 'build' | 'run', signal: AbortSignal): Promise<string>;
}

/** @param more what goes with every request */
export function createSpace(config: HfSpaceDeployConfig, more: Pick<Vendor, 'secrets' | 'waits'> = {}): Space {
  const { hubUrl, token, space, branch } = config;
  const vendor: Vendor = { name: 'Hugging Face', apiUrl: hubUrl, token, ...more };
  const base = `/api/spaces/${space}`;
  const ask = async <T>(schema: z.ZodType<T>, path: string, signal: AbortSignal | undefined): Promise<T> =>
    expectAnswer(`Hugging Face, ${path}`, schema, await callVendor(vendor, { method: 'GET', path, signal }));
  // Each of them may be done once more: what is set is set again, what is paused stays so.
  const tell = async (call: Pick<VendorCall, 'path' | 'json' | 'signal'>): Promise<void> => {
    await callVendor(vendor, { method: 'POST', repeatable: true, ...call });
  };
  return {
    runtime: (signal) => ask(runtimeSchema, `${base}/runtime`, signal),
    head: async (signal) => (await ask(spaceSchema, base, signal)).sha ?? undefined,
    titles: async (signal) => {
      const commits = await ask(commitsSchema, `${base}/commits/${encodeURIComponent(branch)}`, signal);
      return new Map(commits.map(({ id, title }) => [id, title]));
    },
    variables: async (signal) => {
      const found = await ask(variablesSchema, `${base}/variables`, signal);
      return new Map(Object.entries(found).map(([name, { value }]) => [name, value ?? '']));
    },
    set: (kind, key, value, signal) => tell({ path: `${base}/${kind}`, json: { key, value }, signal }),
    turn: (to, signal) => tell({ path: `${base}/${to}`, signal }),
    logs: (kind, signal) => listen(`${hubUrl.replace(/\/+$/, '')}${base}/logs/${kind}`, config, signal),
  };
}

/** Server-sent events, each with a line. A help for people: nothing rests on it. */
async function listen(url: string, { token }: HfSpaceDeployConfig, signal: AbortSignal): Promise<string> {
  let text = '';
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token.reveal()}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(LISTEN_MS)]),
    });
    if (!response.ok || !response.body) return '';
    const decoder = new TextDecoder();
    for await (const piece of response.body) text += decoder.decode(piece as Uint8Array, { stream: true });
  } catch {
    signal.throwIfAborted();
  }
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => eventSchema.safeParse(asJson(line.slice(6))).data?.data ?? '')
    .map((line) => (line.endsWith('\n') ? line : `${line}\n`))
    .join('');
}

const eventSchema = z.object({ data: z.string() });

import { z } from 'zod';
import type { ClientConfig } from '../config/client.ts';
import { notFound, Problem, wrongUse } from './problem.ts';

/** Some faults stop and start servers. */
const DEADLINE_MS = 60_000;

const faultsSchema = z.looseObject({
  faults: z.array(z.object({ system: z.string(), fault: z.string(), description: z.string().default('') })),
});
const answerSchema = z.looseObject({});
const brokenSchema = z.looseObject({ broken: z.string() });
const errorSchema = z.object({ error: z.string() });

/** The control port of the sandbox: what can be broken, and breaking it. */
export interface Control {
  faults(): Promise<{ answer: object; faults: z.infer<typeof faultsSchema>['faults'] }>;
  break(system: string, fault: string): Promise<z.infer<typeof brokenSchema>>;
  /** Ends a fault that lasts, such as an outage. */
  end(system: string, fault: string): Promise<object>;
}

/** @throws Problem (exit 2) when no sandbox is known */
export function controlOf({ sandbox }: ClientConfig): Control {
  if (!sandbox)
    throw wrongUse('no sandbox is running, and nothing else may be broken', 'Start one with `npm run sandbox`.');
  const { controlUrl, controlToken } = sandbox;
  const headers = controlToken ? { authorization: `Bearer ${controlToken.reveal()}` } : {};
  const call = (method: string, ...path: string[]): Promise<unknown> =>
    request(new URL(`/${path.map(encodeURIComponent).join('/')}`, controlUrl), { method, headers });
  return {
    faults: async () => {
      const answer = faultsSchema.parse(await call('GET', 'faults'));
      return { answer, faults: answer.faults };
    },
    break: async (system, fault) => brokenSchema.parse(await call('POST', 'break', system, fault)),
    end: async (system, fault) => answerSchema.parse(await call('DELETE', 'break', system, fault)),
  };
}

async function request(url: URL, init: RequestInit): Promise<unknown> {
  const { status, text } = await answered(url, init);
  const body = parsed(text);
  if (status >= 200 && status < 300) return body;
  const told = errorSchema.safeParse(body);
  const said = told.success ? told.data.error : `status ${status}`;
  if (status === 404) throw notFound(said, 'See `dr break --list`.');
  throw new Problem('refused', {
    code: 'SANDBOX_REFUSED',
    message: `the sandbox refuses: ${said}`,
    next: 'See `dr break --list`.',
  });
}

async function answered(url: URL, init: RequestInit): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const next = 'Start it with `npm run sandbox`; if it runs, look at what is broken before you repeat this.';
    throw new Problem('unreachable', {
      code: 'SANDBOX_UNREACHABLE',
      message: `the sandbox at ${url.origin} does not answer: ${why}`,
      next,
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

import type { EndpointConfig } from '../../../config/app-servers.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { Gate } from '../../../domain/verdict.ts';
import { exchange, NoReply, type Reply } from '../../exchange.ts';
import { safeWords } from '../../look.ts';
import { parse } from '../http.ts';
import { valueAt } from '../template.ts';
import { type AskedApp, keyOf, secretsOf } from './place.ts';

const DEADLINE_MS = 60_000;

/** A request of the settings, with what is put in for each place in it. */
export interface Sending {
  readonly app: AskedApp;
  readonly endpoint: Pick<EndpointConfig, 'method' | 'path' | 'body'>;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly places?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Sends it. @throws RecoveryError APP_UNREACHABLE when nothing comes back */
export async function send({ app, endpoint, headers, places = {}, signal }: Sending): Promise<Reply> {
  const { method, path, body } = endpoint;
  try {
    return await exchange({
      url: app.baseUrl.replace(/\/+$/, '') + filled(path, places),
      method,
      headers: headers ?? keyOf(app),
      ...(body === undefined ? {} : { json: filledIn(body, places) }),
      deadlineMs: DEADLINE_MS,
      signal,
    });
  } catch (error) {
    if (!(error instanceof NoReply)) throw error;
    throw new RecoveryError('APP_UNREACHABLE', `app: ${path}: ${error.message}`, { cause: error });
  }
}

/** Whether one endpoint answers as the settings say. A server that does not answer is a red gate, and no failure of the step. */
export async function checkEndpoint(
  app: AskedApp,
  endpoint: EndpointConfig,
  sending: Pick<Sending, 'places' | 'signal'>,
): Promise<Gate> {
  const { method, path, status, answers } = endpoint;
  const wanted = Object.entries(answers).map(([at, value]) => `${at} ${JSON.stringify(value)}`);
  const gate = { name: `endpoint ${method} ${path}`, expected: [String(status), ...wanted].join(', ') };
  return judged(gate, app, async () => {
    const reply = await send({ app, endpoint, ...sending });
    if (reply.status !== status) return { verdict: 'fail', observed: `${reply.status} ${reply.text}` };
    const body = parse(reply.text);
    const wrong = Object.entries(answers).filter(([at, value]) => valueAt(body, at) !== value);
    if (wrong.length === 0) return { verdict: 'pass', observed: gate.expected };
    const seen = wrong.map(([at]) => `${at} ${said(valueAt(body, at))}`);
    return { verdict: 'fail', observed: `${reply.status}, ${seen.join(', ')}` };
  });
}

function said(value: unknown): string {
  return value === undefined ? 'is not there' : JSON.stringify(value);
}

type Judgement = Pick<Gate, 'verdict' | 'observed'>;

/** No answer is as red as a wrong one. */
export async function judged(
  gate: Pick<Gate, 'name' | 'expected'>,
  app: AskedApp,
  look: () => Promise<Judgement>,
): Promise<Gate> {
  const { verdict, observed } = await look().catch((error: unknown): Judgement => {
    if (!(error instanceof RecoveryError)) throw error;
    return { verdict: 'fail', observed: error.message };
  });
  return { ...gate, verdict, observed: safeWords(observed, secretsOf(app)) };
}

function filled(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((made, [name, value]) => made.replaceAll(`{{${name}}}`, () => value), text);
}

function filledIn(value: unknown, places: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return filled(value, places);
  if (Array.isArray(value)) return value.map((one: unknown) => filledIn(one, places));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filledIn(one as unknown, places)]));
}

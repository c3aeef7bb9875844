import type { AppServersConfig } from '../../../config/app-servers.ts';
import type { AppFinding, AppLook, AppProbe, DependencyLook } from '../../../domain/app-probe.ts';
import type { GoldenQuestion } from '../../../domain/recovery-set.ts';
import { knock } from '../../knock.ts';
import { lookInTime, safeWords } from '../../look.ts';
import { createChatApp } from '../client.ts';
import { parse, sendToApp } from '../http.ts';
import { valueAt } from '../template.ts';
import { type AskedApp, endpointOf, keyOf, type Place, secretsOf } from './place.ts';

export interface ProbeParts {
  readonly checks: AppServersConfig['checks'];
  readonly watch: AppServersConfig['watch'];
  /** The app as its readers reach it. */
  readonly routed: () => Promise<AskedApp>;
  readonly dependencies: Readonly<Partial<Record<DependencyLook['name'], (signal: AbortSignal) => Promise<unknown>>>>;
  /** The golden questions; none where there are none. */
  readonly questions: () => Promise<readonly GoldenQuestion[]>;
}

interface Seen {
  readonly finding: AppFinding;
  readonly said: string;
}

const OK: Seen = { finding: 'ok', said: 'well' };
const DEPENDENCY_MS = 10_000;
/** One question may have had no good answer when all was well; several have not all lost theirs at once. */
const QUESTIONS = 3;

/** One round of looks at a server, from the worker and the way its readers come. Nothing is thrown. */
export async function probeApp(parts: ProbeParts, place: Place, cancelled?: AbortSignal): Promise<AppProbe> {
  const at = new Date().toISOString();
  const questions = (await parts.questions().catch(() => [])).slice(0, QUESTIONS);
  const { host, port } = endpointOf(place.config.url);
  const sides: readonly (readonly [AppLook['depth'], (signal: AbortSignal) => Promise<Seen>])[] = [
    ['port', async (signal) => ({ finding: 'ok', said: await knock(host, port, signal) })],
    ['shallow', (signal) => lookShallow(parts, place, signal)],
    ['deep', (signal) => lookDeep(place.app, signal)],
    ['question', (signal) => lookAtAnswers(place.app, questions, signal)],
    ['router', async (signal) => lookAtAnswers(await parts.routed(), questions, signal)],
  ];
  const looks: AppLook[] = [await lookAtProcess(parts, place, cancelled)];
  for (const [depth, how] of sides) {
    const stopped = looks.find(({ finding }) => finding !== 'ok' && finding !== 'untried' && finding !== 'slow');
    looks.push(
      stopped
        ? { depth, finding: 'untried', said: `after what ${stopped.depth} came to`, milliseconds: 0 }
        : await take({ parts, place, cancelled }, depth, how),
    );
  }
  return { at, server: place.name, looks, dependencies: await lookAtDependencies(parts, cancelled) };
}

interface Looking {
  readonly parts: ProbeParts;
  readonly place: Place;
  readonly cancelled: AbortSignal | undefined;
}

async function take(
  { parts: { watch }, place: { app }, cancelled }: Looking,
  depth: AppLook['depth'],
  how: (signal: AbortSignal) => Promise<Seen>,
): Promise<AppLook> {
  const { milliseconds, ...looked } = await lookInTime(watch.lookSeconds * 1_000, how, cancelled);
  if ('silence' in looked) {
    const { silence } = looked;
    return { depth, finding: findingOf(silence), said: safeWords(silence, secretsOf(app)), milliseconds };
  }
  const { finding, said } = looked.seen;
  const slow = finding === 'ok' && milliseconds > watch.slowSeconds * 1_000;
  const words = slow ? `answered after ${(milliseconds / 1_000).toFixed(1)} s` : said;
  return { depth, finding: slow ? 'slow' : finding, said: safeWords(words, secretsOf(app)), milliseconds };
}

const SILENCES: readonly (readonly [RegExp, AppFinding])[] = [
  [/ECONNREFUSED/, 'refused'],
  [/ENOTFOUND|EAI_|EADDRNOTAVAIL/, 'unresolved'],
  [/ECONNRESET|EPIPE|other side closed|socket hang up|terminated/i, 'reset'],
  [/TIMEOUT|no answer|aborted|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN/i, 'timeout'],
];

function findingOf(silence: string): AppFinding {
  return SILENCES.find(([pattern]) => pattern.test(silence))?.[1] ?? 'wrong';
}

/** What deploys there is another system: what it says is told, and neither that nor its silence says that the app has failed. */
async function lookAtProcess(
  { watch }: ProbeParts,
  { deployer, app }: Place,
  cancelled: AbortSignal | undefined,
): Promise<AppLook> {
  const { milliseconds, ...looked } = await lookInTime(
    watch.lookSeconds * 1_000,
    (signal) => deployer.find(signal),
    cancelled,
  );
  if ('silence' in looked || looked.seen.state === 'unknown')
    return { depth: 'process', finding: 'untried', said: 'what deploys there cannot tell', milliseconds };
  const { state, release } = looked.seen;
  const said = safeWords(`${state}, ${release ?? 'a release that cannot be told'}`, secretsOf(app));
  return { depth: 'process', finding: state === 'running' ? 'ok' : 'untried', said, milliseconds };
}

async function lookShallow({ checks }: ProbeParts, place: Place, signal: AbortSignal): Promise<Seen> {
  if (checks.shallowHealth === undefined) return { finding: 'untried', said: 'none is configured' };
  const seen = await get(place.app, checks.shallowHealth, signal);
  return judged(seen.status, seen.text, checks.shallowHealth);
}

/** An app that says of itself that it is not well is another matter than one that fails to answer. */
async function lookDeep(app: AskedApp, signal: AbortSignal): Promise<Seen> {
  const { path, okValues } = app.health;
  const { status, text } = await get(app, path, signal);
  const says = valueAt(parse(text), 'status');
  if (typeof says === 'string' && !okValues.includes(says))
    return { finding: 'degraded', said: `${path} says ${text}` };
  return judged(status, text, path);
}

async function get(app: AskedApp, path: string, signal: AbortSignal): ReturnType<typeof sendToApp> {
  const call = { baseUrl: app.baseUrl, method: 'GET', path, headers: keyOf(app), signal } as const;
  return sendToApp({ ...call, deadlineMs: 120_000 });
}

function judged(status: number, text: string, path: string): Seen {
  if (status >= 200 && status < 300) return OK;
  const said = `${path}: ${status} ${text}`;
  if (status === 401 || status === 403) return { finding: 'denied', said };
  return { finding: status >= 500 || status === 429 ? 'error' : 'wrong', said };
}

/** Real questions, until one is answered as it should be: half of all health checks touch neither store. */
async function lookAtAnswers(app: AskedApp, questions: readonly GoldenQuestion[], signal: AbortSignal): Promise<Seen> {
  let worst: Seen = { finding: 'untried', said: 'there are no golden questions' };
  for (const question of questions) {
    const seen = await lookAtAnswer(app, question, signal);
    if (seen.finding === 'ok') return seen;
    worst = seen;
    // An error is one for every question.
    if (seen.finding !== 'wrong') return seen;
  }
  return worst;
}

async function lookAtAnswer(app: AskedApp, { question, sources }: GoldenQuestion, signal: AbortSignal): Promise<Seen> {
  try {
    const { cited } = await createChatApp(app).ask(question, signal);
    if (cited.some((one) => sources.includes(one))) return { finding: 'ok', said: `cites ${cited.length} sections` };
    const said = `“${question}” cites ${cited.length === 0 ? 'nothing' : cited.join(', ')}`;
    return { finding: 'wrong', said: `${said}, and none of ${sources.join(', ')}` };
  } catch (error) {
    return findingOfFailure(error);
  }
}

/** The message tells an answer that was none of success from no answer at all. */
function findingOfFailure(error: unknown): Seen {
  const said = error instanceof Error ? error.message : String(error);
  const status = Number(/: ([45]\d\d)(?::|$)/.exec(said)?.[1] ?? 0);
  if (status === 0 && findingOf(said) !== 'wrong') throw error;
  if (status === 401 || status === 403) return { finding: 'denied', said };
  return { finding: status >= 500 || status === 429 ? 'error' : 'wrong', said };
}

async function lookAtDependencies(
  { dependencies }: ProbeParts,
  cancelled: AbortSignal | undefined,
): Promise<DependencyLook[]> {
  const named = Object.entries(dependencies) as [DependencyLook['name'], (signal: AbortSignal) => Promise<unknown>][];
  return Promise.all(
    named.map(async ([name, how]) => {
      const looked = await lookInTime(DEPENDENCY_MS, how, cancelled);
      return 'silence' in looked
        ? { name, ok: false, said: safeWords(looked.silence, []) }
        : { name, ok: true, said: 'answers' };
    }),
  );
}

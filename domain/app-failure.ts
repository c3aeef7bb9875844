import type { AppFinding, AppLook, AppProbe } from './app-probe.ts';

/**
 * What is the matter with an app server, as several rounds of looks agree on it.
 * - `well`
 * - `gone`: nothing listens there; `silent`: it takes requests and never answers
 * - `erring`: answers with errors; `wrong`: answers 200, and not what a sound app answers
 * - `misconfigured`: says that it does not reach what this worker reaches; `slow`: much too late
 * - `dependency`: what it stands on is down for everybody; `locked-out`: our key is not taken
 * - `router`: the server is well, and its readers do not reach it
 * - `strange`: it comes and goes
 */
export type AppCondition =
  | 'well'
  | 'gone'
  | 'silent'
  | 'erring'
  | 'wrong'
  | 'misconfigured'
  | 'slow'
  | 'dependency'
  | 'locked-out'
  | 'router'
  | 'strange';

/** What helps: another server takes over, or a person must `mend` what no other server would. */
export type AppRemedy = 'none' | 'replace' | 'mend';

interface Kind {
  readonly remedy: AppRemedy;
  /** As the end of the sentence "The app server primary …". */
  readonly words: string;
  /** Whether the release that runs there may be to blame. Of a server that is merely gone it is not. */
  readonly blamesRelease: boolean;
}

export const APP_CONDITIONS: Readonly<Record<AppCondition, Kind>> = {
  well: { remedy: 'none', words: 'answers as it should', blamesRelease: false },
  gone: { remedy: 'replace', words: 'is gone: nobody listens there', blamesRelease: false },
  silent: { remedy: 'replace', words: 'hangs: it takes requests and does not answer', blamesRelease: true },
  erring: { remedy: 'replace', words: 'answers with errors', blamesRelease: true },
  wrong: { remedy: 'replace', words: 'answers wrongly, with a status that says that all is well', blamesRelease: true },
  misconfigured: {
    remedy: 'replace',
    words: 'does not reach what this worker reaches: its configuration or its network is wrong',
    blamesRelease: false,
  },
  slow: { remedy: 'replace', words: 'is much too slow', blamesRelease: true },
  dependency: {
    remedy: 'mend',
    words: 'lacks what every server of the app would lack',
    blamesRelease: false,
  },
  'locked-out': { remedy: 'mend', words: 'does not take our key (app.authHeader)', blamesRelease: false },
  router: {
    remedy: 'mend',
    words: 'is well, and cannot be reached the way its readers come: look at the router',
    blamesRelease: false,
  },
  strange: { remedy: 'mend', words: 'comes and goes', blamesRelease: true },
};

const AFTER_FINDING: Readonly<Partial<Record<AppFinding, AppCondition>>> = {
  refused: 'gone',
  unresolved: 'gone',
  timeout: 'silent',
  reset: 'silent',
  error: 'erring',
  degraded: 'misconfigured',
  wrong: 'wrong',
  denied: 'locked-out',
  slow: 'slow',
};

/** What one round says: what all stand on first, then the shallowest look at the server that failed, then the way to it. */
export function appConditionOf({ looks, dependencies }: AppProbe): AppCondition {
  if (dependencies.some(({ ok }) => !ok)) return 'dependency';
  const bad = looks.find(isBad);
  if (!bad) return 'well';
  if (bad.depth === 'router') return 'router';
  return AFTER_FINDING[bad.finding] ?? 'strange';
}

/** A process that cannot be told of, or a look that was not taken, says nothing. */
function isBad({ finding }: AppLook): boolean {
  return finding !== 'ok' && finding !== 'untried';
}

export interface AppDiagnosis {
  readonly condition: AppCondition;
  readonly remedy: AppRemedy;
  /** Whether the release that runs there may be to blame: one round that says so is enough. */
  readonly blamesRelease: boolean;
  /** What the rounds agreed on, in a sentence. */
  readonly sentence: string;
  /** The last round. */
  readonly probe: AppProbe;
}

/** After this many times the rounds that must agree, disagreement itself is the finding. */
const TOO_LONG = 10;

/**
 * What the last `rounds` probes agree on; `undefined` while they do not. Rounds agree that something is wrong even where they
 * differ in how: a server that hangs now and errs then has failed all the same, and the last round says how.
 */
export function diagnoseApp(probes: readonly AppProbe[], rounds: number): AppDiagnosis | undefined {
  const last = probes.at(-1);
  if (!last) return undefined;
  const recent = probes.slice(-rounds).map(appConditionOf);
  const condition = appConditionOf(last);
  const { remedy } = APP_CONDITIONS[condition];
  if (recent.length === rounds && recent.every((one) => APP_CONDITIONS[one].remedy === remedy))
    return {
      condition,
      remedy,
      // A release that crashes and is started again errs in one round, and is gone in the next.
      blamesRelease: recent.some((one) => APP_CONDITIONS[one].blamesRelease),
      probe: last,
      sentence: sentenceOf(last, condition, rounds, probes.at(-rounds)?.at),
    };
  if (probes.length < TOO_LONG * rounds) return undefined;
  const kinds = [...new Set(probes.map(appConditionOf))];
  const sentence = `The app server ${last.server} comes and goes: ${probes.length} looks found ${kinds.join(', ')}`;
  return { condition: 'strange', remedy: 'mend', blamesRelease: true, sentence, probe: last };
}

function sentenceOf(last: AppProbe, condition: AppCondition, rounds: number, since = last.at): string {
  const said = condition === 'dependency' ? describeDown(last) : describeBad(last);
  const seen = `seen ${rounds} times since ${since}`;
  const { words } = APP_CONDITIONS[condition];
  return `The app server ${last.server} ${words} (${said === '' ? seen : `${said}; ${seen}`})`;
}

function describeBad({ looks }: AppProbe): string {
  const bad = looks.find(isBad);
  return bad ? `${bad.depth}: ${bad.said}` : '';
}

function describeDown({ dependencies }: AppProbe): string {
  const down = dependencies.filter(({ ok }) => !ok);
  return down.map(({ name, said }) => `${name}: ${said}`).join('; ');
}

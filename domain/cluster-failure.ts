import type { ClusterProbe, Look } from './cluster-probe.ts';

/**
 * What is the matter with a cluster, as several rounds of looks agree on it.
 * - `well`; `asleep`: a cluster of Qdrant Cloud that is suspended
 * - `gone`: nobody listens, or the name is unknown; `silent`: somebody listens and never answers
 * - `network`: it cannot be reached from here, while the app says that it reaches it
 * - `recovery-mode`: started without its data; `broken`: the collection is there and cannot be read
 * - `emptied`: the server is well, and the collection is not there; `full`: no space to write
 * - `locked-out`: our key is not taken; `overloaded`: too busy or too slow
 * - `strange`: something else
 */
export type Condition =
  | 'well'
  | 'asleep'
  | 'gone'
  | 'silent'
  | 'network'
  | 'recovery-mode'
  | 'broken'
  | 'emptied'
  | 'full'
  | 'locked-out'
  | 'overloaded'
  | 'strange';

/**
 * What helps: `replace` it; `wake` it; or a person must `mend` what no new cluster would: a key, a network, a load. What is
 * mended there comes back with all its data, which is better than any replacement.
 */
export type Remedy = 'none' | 'wake' | 'replace' | 'mend';

interface Kind {
  readonly remedy: Remedy;
  /** As the end of the sentence "Qdrant …". */
  readonly words: string;
}

export const CONDITIONS: Readonly<Record<Condition, Kind>> = {
  well: { remedy: 'none', words: 'answers as it should' },
  asleep: { remedy: 'wake', words: 'sleeps: the cluster is suspended' },
  gone: { remedy: 'replace', words: 'is gone: nobody listens at its address' },
  silent: { remedy: 'replace', words: 'hangs: it takes connections and never answers' },
  network: { remedy: 'mend', words: 'cannot be reached from this worker, while the app reaches it: it is the network' },
  'recovery-mode': { remedy: 'replace', words: 'has started in recovery mode, without its data' },
  broken: { remedy: 'replace', words: 'holds the collection and cannot read it' },
  emptied: { remedy: 'replace', words: 'runs, and has no such collection, or nothing in it' },
  full: { remedy: 'replace', words: 'has no space left' },
  'locked-out': { remedy: 'mend', words: 'does not take our key (QDRANT_API_KEY): the data may be whole' },
  overloaded: { remedy: 'mend', words: 'is too busy or too slow to serve: the data may be whole' },
  strange: { remedy: 'mend', words: 'answers as no sound server does' },
};

/** Conditions in which the server itself serves: a sound copy can stand beside the damaged one on it. */
const SERVING: ReadonlySet<Condition> = new Set(['broken', 'emptied']);

export function servesOthers(condition: Condition): boolean {
  return SERVING.has(condition);
}

const AFTER_FINDING: Readonly<Partial<Record<Look['finding'], Condition>>> = {
  refused: 'gone',
  unresolved: 'gone',
  timeout: 'silent',
  reset: 'silent',
  denied: 'locked-out',
  busy: 'overloaded',
  unavailable: 'overloaded',
  'recovery-mode': 'recovery-mode',
  'dummy-shard': 'broken',
  absent: 'emptied',
  full: 'full',
  wrong: 'strange',
};

const CLOUD: Readonly<Record<string, Condition>> = {
  SUSPENDED: 'asleep',
  SUSPENDING: 'asleep',
  NOT_FOUND: 'gone',
  DELETING: 'gone',
  RECOVERY_MODE: 'recovery-mode',
};

/** What one round says. The deepest look that the shallower ones let through tells most; the app's own view decides between network and loss. */
export function conditionOf({ looks, cloud }: ClusterProbe): Condition {
  const phase = cloud && CLOUD[cloud.phase.replace(/^CLUSTER_PHASE_/, '')];
  if (phase) return phase;
  const own = looks.filter(({ depth }) => depth !== 'app');
  const bad = own.find(({ finding }) => finding !== 'ok' && finding !== 'untried');
  if (!bad) return 'well';
  const condition = AFTER_FINDING[bad.finding] ?? 'strange';
  const appIsWell = looks.some(({ depth, finding }) => depth === 'app' && finding === 'ok');
  // A shallow health check of an app touches no store: it counts only where the server cannot be reached at all.
  const unreached = bad.depth === 'process' && (condition === 'gone' || condition === 'silent');
  return unreached && appIsWell ? 'network' : condition;
}

export interface Diagnosis {
  readonly condition: Condition;
  readonly remedy: Remedy;
  /** What the rounds agreed on, in a sentence. */
  readonly sentence: string;
  readonly version?: string | undefined;
  /** The last round. */
  readonly probe: ClusterProbe;
}

/** After this many times the rounds that must agree, disagreement itself is the finding. */
const TOO_LONG = 10;

/**
 * What the last `rounds` probes agree on; `undefined` while they do not. A blip is thereby never a failure, and a server
 * that comes and goes is in the end `strange`, which a person must look at.
 */
export function diagnose(probes: readonly ClusterProbe[], rounds: number): Diagnosis | undefined {
  const last = probes.at(-1);
  if (!last) return undefined;
  const recent = probes.slice(-rounds).map(conditionOf);
  const condition = recent[0] ?? 'strange';
  if (recent.length === rounds && recent.every((one) => one === condition)) {
    const said = saidBy(last);
    const { remedy, words } = CONDITIONS[condition];
    const seen = `seen ${rounds} times since ${probes.at(-rounds)?.at ?? last.at}`;
    return {
      condition,
      remedy,
      version: last.version,
      probe: last,
      sentence: `Qdrant ${words} (${said === '' ? seen : `${said}; ${seen}`})`,
    };
  }
  if (probes.length < TOO_LONG * rounds) return undefined;
  const kinds = [...new Set(probes.map(conditionOf))];
  const sentence = `Qdrant comes and goes: ${probes.length} looks found ${kinds.join(', ')}`;
  return { condition: 'strange', remedy: 'mend', sentence, version: last.version, probe: last };
}

function saidBy({ looks, cloud }: ClusterProbe): string {
  const bad = looks.find(({ depth, finding }) => depth !== 'app' && finding !== 'ok' && finding !== 'untried');
  const own = bad ? `${bad.depth}: ${bad.said}` : '';
  const phase =
    cloud && cloud.phase !== '' ? `Qdrant Cloud says ${cloud.phase}${cloud.reason ? `: ${cloud.reason}` : ''}` : '';
  return [own, phase].filter((part) => part !== '').join('; ');
}

/** What will hurt in a recovery and can be seen from outside. Each is a sentence with what to do. */
import type { AppGuess } from './discovery-app.ts';
import type { Found } from './discovered.ts';

/** Hosts whose names belong to the provider: no DNS record and no proxy of yours can send their traffic elsewhere. */
const PROVIDERS = [
  'hf.space',
  'onrender.com',
  'up.railway.app',
  'railway.app',
  'vercel.app',
  'fly.dev',
  'koyeb.app',
  'herokuapp.com',
];
/** Of these, the ones that let a free service sleep. */
const SLEEPING = ['hf.space', 'onrender.com', 'koyeb.app'];

/**
 * Models that no endpoint answers for any more, and since when: vectors survive, and no question can be embedded. Sources:
 * Google's deprecation notes of the Gemini API.
 */
const RETIRED: Readonly<Record<string, string>> = {
  'text-embedding-004': '2026-01-14',
  'embedding-001': '2025-08-14',
  'gemini-embedding-exp-03-07': '2025-08-14',
};

/** The largest integer that a JSON number holds exactly in JavaScript. */
const SAFE = 2n ** 53n;
/** From this version on the client reads larger ids exactly. */
const EXACT_NODE = 22;

export interface Surroundings {
  readonly appUrl?: string | undefined;
  readonly embeddingModel?: string | undefined;
  /** Major version of Node that the app's or our own program runs on. */
  readonly nodeMajor: number;
}

/** @returns sentences, worst first; none when nothing was seen */
export function hazardsOf({ qdrant, app }: Found, guess: AppGuess | undefined, around: Surroundings): string[] {
  return [
    retiredModel(around.embeddingModel),
    providerHost(around.appUrl),
    qdrant && qdrant.alias === undefined
      ? `The app would use the collection ${qdrant.collection} by its own name: nothing can take its place on the same server. Create an alias and let the app use that.`
      : undefined,
    qdrant &&
      largeIds(
        qdrant.sample.map(({ id }) => id),
        around.nodeMajor,
      ),
    qdrant?.indexes.length === 0
      ? 'The collection has no payload index: filters read every point, and nothing shows when one is lost. Create those that the app filters by.'
      : undefined,
    shallow(app?.health ?? [], guess),
  ].filter((sentence): sentence is string => sentence !== undefined);
}

function retiredModel(model: string | undefined): string | undefined {
  const name = model?.replace(/^models\//, '');
  const since = name === undefined ? undefined : RETIRED[name];
  return since === undefined
    ? undefined
    : `The embedding model ${name} was shut down on ${since}: no question can be embedded any more, though every health check is green. Plan a full reindex with another model.`;
}

function providerHost(appUrl: string | undefined): string | undefined {
  const host = appUrl === undefined ? undefined : new URL(appUrl).hostname;
  const provider = PROVIDERS.find((one) => host?.endsWith(`.${one}`));
  if (host === undefined || provider === undefined) return undefined;
  const sleeps = SLEEPING.includes(provider) ? ' On its free tier it also sleeps when nobody asks.' : '';
  return `${host} belongs to ${provider}: when that server fails, its readers cannot be sent elsewhere. Put a name of your own before it.${sleeps}`;
}

function largeIds(ids: readonly string[], nodeMajor: number): string | undefined {
  if (!ids.some((id) => /^\d+$/.test(id) && BigInt(id) > SAFE)) return undefined;
  const here = nodeMajor < EXACT_NODE ? `, and this Node ${nodeMajor} is one of them` : '';
  return `Some ids are beyond 2^53: programs on Node before ${EXACT_NODE} round them without a word${here}. Look at everything that reads and writes points.`;
}

function shallow(health: readonly { path: string; status: number }[], guess: AppGuess | undefined): string | undefined {
  if (health.length === 0 || guess?.health?.deep === true) return undefined;
  return `No health check of the app speaks of its stores (${health.map(({ path }) => path).join(', ')}): it is green though Qdrant or Postgres are gone. Let one touch both.`;
}

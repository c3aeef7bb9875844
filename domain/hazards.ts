/** What will hurt in a recovery and can be seen from outside: what is wrong, and what to do next. */
import type { Declared } from './declared.ts';
import type { AppGuess } from './discovery-app.ts';
import type { Found, FoundApp } from './discovered.ts';
import type { Finding } from './freshness.ts';
import { declaredHazards } from './hazards-declared.ts';
import { hostHazards } from './hazards-hosts.ts';
import { idHazards } from './hazards-ids.ts';

/** `broken`: it hurts now, or will for certain. */
export interface Hazard {
  /** Short and always the same, for programs. */
  readonly name: string;
  readonly state: Exclude<Finding['state'], 'ok'>;
  readonly message: string;
  readonly next: string;
}

export interface Surroundings {
  readonly appUrl?: string | undefined;
  readonly qdrantUrl?: string | undefined;
  readonly embeddingModel?: string | undefined;
  /** Major version of Node that the app's or our own program runs on. */
  readonly nodeMajor: number;
  /** Whether it is configured how the app's traffic is sent elsewhere. */
  readonly traffic?: boolean | undefined;
  /** The health path that is configured. */
  readonly healthPath?: string | undefined;
  readonly declared?: Declared | undefined;
}

/**
 * Models that no endpoint answers for any more, and since when: vectors survive, and no question can be embedded. Sources:
 * Google's deprecation notes of the Gemini API.
 */
const RETIRED: Readonly<Record<string, string>> = {
  'text-embedding-004': '2026-01-14',
  'embedding-001': '2025-08-14',
  'gemini-embedding-exp-03-07': '2025-08-14',
};

/** @returns worst first; none when nothing was seen */
export function hazardsOf(found: Found, guess: AppGuess | undefined, around: Surroundings): Hazard[] {
  const { qdrant, app } = found;
  return [
    retiredModel(around.embeddingModel),
    ...hostHazards(around),
    qdrant &&
      qdrant.alias === undefined && {
        name: 'no-alias',
        state: 'warning' as const,
        message: `the app would use the collection ${qdrant.collection} by its own name: nothing can take its place on the same server`,
        next: 'Create an alias and let the app use that.',
      },
    ...idHazards(found, around.nodeMajor),
    qdrant?.indexes.length === 0 && {
      name: 'no-payload-index',
      state: 'warning' as const,
      message: 'the collection has no payload index: filters read every point, and nothing shows when one is lost',
      next: 'Create those that the app filters by.',
    },
    shallow(app, guess),
    unhealthyPath(app, around.healthPath),
    ...declaredHazards(app, around),
  ]
    .filter((one): one is Hazard => typeof one === 'object')
    .sort((a, b) => Number(b.state === 'broken') - Number(a.state === 'broken'));
}

/** As one sentence after the other. */
export function sayHazard({ message, next }: Hazard): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}. ${next}`;
}

function retiredModel(model: string | undefined): Hazard | undefined {
  const name = model?.replace(/^models\//, '');
  const since = name === undefined ? undefined : RETIRED[name];
  return since === undefined
    ? undefined
    : {
        name: 'retired-model',
        state: 'broken',
        message: `the embedding model ${name} was shut down on ${since}: no question can be embedded any more, though every health check is green`,
        next: 'Embed everything again with another model: set EMBEDDINGS_MODEL, then `dr start reindex`.',
      };
}

function shallow(app: FoundApp | undefined, guess: AppGuess | undefined): Hazard | undefined {
  if (!app || app.health.length === 0 || guess?.health?.deep === true) return undefined;
  const paths = app.health.map(({ path }) => path).join(', ');
  return {
    name: 'shallow-health',
    state: 'warning',
    message: `no health check of the app speaks of its stores (${paths}): it is green though Qdrant or Postgres are gone`,
    next: 'Let one touch both, and name it in app.health.path.',
  };
}

/** An app that answers elsewhere and not where it is asked. */
function unhealthyPath(app: FoundApp | undefined, configured: string | undefined): Hazard | undefined {
  if (!app || configured === undefined || app.health.some(({ path }) => path === configured)) return undefined;
  const others = app.health.map(({ path }) => path).join(', ');
  return {
    name: 'health-path',
    state: 'warning',
    message: `app.health.path is ${configured}, where the app has nothing${others === '' ? '' : `; it answers at ${others}`}`,
    next: 'Correct app.health.path: a healthy app is taken for a failed one.',
  };
}

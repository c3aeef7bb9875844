/** What was found by looking at a stack, in the form that is handed on: small, and without a secret. */
import { z } from 'zod';
import { guessApp } from './discovery-app.ts';
import { guessFields } from './discovery-fields.ts';
import { renderProposal } from './discovery-proposal.ts';
import { guessTables } from './discovery-tables.ts';
import type { Found } from './discovered.ts';
import { hazardsOf, type Surroundings } from './hazards.ts';

/** An answer of an activity must stay small. In bytes. */
const MOST_PROPOSED = 40_000;
const MOST_GUESSED = 8_000;
const MOST_HAZARDS = 20;
const MOST_LEFT_OUT = 10;
/** In characters. */
const MOST_SAID = 600;

export const hazardSchema = z.object({
  name: z.string(),
  state: z.enum(['warning', 'broken']),
  message: z.string(),
  next: z.string(),
});
const guessesSchema = z.record(z.string(), z.unknown());

/** What `discoverStack` answers. */
export const discoverySchema = z.object({
  /** Parts that answered: `Qdrant`, `Postgres`, `the app`. */
  seen: z.array(z.string()),
  /** Parts that did not, and why. */
  leftOut: z.array(z.string()),
  hazards: z.array(hazardSchema),
  /** Which field, table and path is which; empty where only hazards were asked for. */
  guesses: z.object({ fields: guessesSchema, tables: guessesSchema, app: guessesSchema }),
  /** A configuration as an ES module, with a comment at every guess; empty where only hazards were asked for. */
  proposal: z.string(),
});
export type Discovery = z.infer<typeof discoverySchema>;

/** What a look has brought. */
export interface Look {
  readonly found: Found;
  readonly leftOut: readonly string[];
}

/** Guesses, hazards and the proposal of what was seen. `hazardsOnly` leaves out the rest. */
export function discoveryOf({ found, leftOut }: Look, around: Surroundings, hazardsOnly = false): Discovery {
  const fields = found.qdrant ? guessFields(found.qdrant) : {};
  const tables = guessTables(found, fields);
  const app = found.app && guessApp(found.app);
  const hazards = hazardsOf(found, app, around)
    .slice(0, MOST_HAZARDS)
    .map((hazard) => ({ ...hazard, message: hazard.message.slice(0, MOST_SAID) }));
  const guesses = hazardsOnly ? NOTHING_GUESSED : { fields: { ...fields }, tables: { ...tables }, app: { ...app } };
  return {
    seen: seenIn(found),
    leftOut: leftOut.slice(0, MOST_LEFT_OUT).map((why) => why.slice(0, MOST_SAID)),
    hazards,
    guesses: bytesOf(JSON.stringify(guesses)) > MOST_GUESSED ? NOTHING_GUESSED : guesses,
    proposal: hazardsOnly ? '' : cut(renderProposal({ found, fields, tables, app, hazards })),
  };
}

const NOTHING_GUESSED = { fields: {}, tables: {}, app: {} };

function seenIn({ qdrant, postgres, app }: Found): string[] {
  return [qdrant && 'Qdrant', postgres && 'Postgres', app && 'the app'].filter((part) => part !== undefined);
}

function cut(text: string): string {
  if (bytesOf(text) <= MOST_PROPOSED) return text;
  const lines: string[] = [];
  let bytes = 0;
  for (const line of text.split('\n')) {
    bytes += bytesOf(line) + 1;
    if (bytes > MOST_PROPOSED) break;
    lines.push(line);
  }
  const why =
    '// Too long to be handed on, so it ends here: `npm run discover` where the worker runs prints all of it.';
  return [...lines, why, ''].join('\n');
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

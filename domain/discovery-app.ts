/** How the app is asked, from its own description. */
import type { FoundApp, FoundOperation } from './discovered.ts';

export interface AppGuess {
  readonly health?: { readonly path: string; readonly deep: boolean } | undefined;
  readonly ask?:
    | {
        readonly method: string;
        readonly path: string;
        /** Field that takes the question. */
        readonly question: string;
        readonly answer?: string | undefined;
        readonly citations?: string | undefined;
      }
    | undefined;
}

const QUESTION = ['question', 'query', 'message', 'question_text', 'user_query', 'prompt'];
const ANSWER = ['answer', 'response', 'response_text', 'output', 'reply'];
const CITATIONS = ['citations', 'sources', 'references', 'source_references'];
/** A chat that talks about its stores has looked at them. */
const STORES = /qdrant|vector|database|postgres|neon|db\b/i;

export function guessApp({ operations, health }: FoundApp): AppGuess {
  const answering = health.filter(({ status }) => status < 500);
  const deep = answering.find(({ body }) => STORES.test(JSON.stringify(body ?? '')));
  const one = deep ?? answering[0];
  return {
    health: one && { path: one.path, deep: deep !== undefined },
    ask: operations.map(askOf).find((found) => found !== undefined),
  };
}

function askOf({ method, path, body, answer }: FoundOperation): AppGuess['ask'] {
  if (method !== 'POST' && method !== 'GET') return undefined;
  const question = QUESTION.find((name) => body[name] === 'string');
  const said = ANSWER.find((name) => name in answer);
  // Somewhere a question goes in and nothing is said of an answer: only a path that is called so counts.
  if (question === undefined || (said === undefined && !/\/(ask|chat|query)\b/.test(path))) return undefined;
  return { method, path, question, answer: said, citations: CITATIONS.find((name) => name in answer) };
}

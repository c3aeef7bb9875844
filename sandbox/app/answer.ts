import { z } from 'zod';
import type { AppConfig } from './config.ts';
import { postJson } from './http.ts';

const LLM_DEADLINE_MS = 60_000;
/** More passages than this make an answer nobody reads; all of them are cited all the same. */
const QUOTED = 3;
export const NOTHING_FOUND = 'The textbook has nothing on that.';

interface Passage {
  readonly heading: string;
  readonly text: string;
}

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

/** The answer to a question from numbered passages; by the model when there is one, else in the passages' own words. */
export async function compose(question: string, passages: readonly Passage[], llm: AppConfig['llm']): Promise<string> {
  if (passages.length === 0) return NOTHING_FOUND;
  if (!llm) return quote(question, passages);
  const { choices } = await postJson(
    {
      url: `${llm.url}/chat/completions`,
      body: { model: llm.model, messages: prompt(question, passages) },
      apiKey: llm.apiKey,
      deadlineMs: LLM_DEADLINE_MS,
    },
    completionSchema,
  );
  return withoutInventions(choices[0]?.message.content ?? '', passages.length);
}

/** From each of the best passages the sentence that shares most words with the question. */
export function quote(question: string, passages: readonly Passage[]): string {
  const wanted = wordsOf(question);
  return passages
    .slice(0, QUOTED)
    .map(({ text }, at) => `${bestSentence(text, wanted)} [${at + 1}]`)
    .join(' ');
}

function bestSentence(text: string, wanted: ReadonlySet<string>): string {
  const shared = (sentence: string): number => [...wordsOf(sentence)].filter((word) => wanted.has(word)).length;
  const sentences = text.split(/(?<=[.!?])\s+/);
  return sentences.reduce((best, sentence) => (shared(sentence) > shared(best) ? sentence : best));
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[a-z0-9]{4,}/g));
}

function prompt(question: string, passages: readonly Passage[]): object[] {
  const numbered = passages.map(({ heading, text }, at) => `[${at + 1}] ${heading}: ${text}`).join('\n\n');
  const rules =
    'Answer from the numbered passages alone and put the number of each one you use in brackets, like [1]. ' +
    'When they do not hold the answer, say so.';
  return [
    { role: 'system', content: rules },
    { role: 'user', content: `${numbered}\n\nQuestion: ${question}` },
  ];
}

/** Takes out markers of passages that were never handed to the model. */
export function withoutInventions(answer: string, passages: number): string {
  return answer.replace(/\s?\[(\d+)\]/g, (marker, number: string) =>
    Number(number) >= 1 && Number(number) <= passages ? marker : '',
  );
}

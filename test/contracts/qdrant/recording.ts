import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseForSending, parseJson, type Json } from './json.ts';

export type Part = { name: string; filename?: string; content: string | { artifact: string; keepFraction?: number } };

/** One request of `cases.jsonl`. A header that is null is left out of the request. */
export type Case = {
  scenario: string;
  step: string;
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string | null>;
  body?: Json;
  rawBody?: Json;
  multipart?: Part[];
  capture?: Record<string, string>;
  keep?: string;
  until?: { path?: string; equals?: Json; status?: number; seconds?: number };
  delay?: number;
  timeout?: number;
  compare?: string;
  unordered?: string[];
};

/** What came back, before anything is masked. */
export type Answer = {
  status: number;
  contentType: string | null;
  headers?: Record<string, string | boolean>;
  body: Json;
  captured?: Record<string, Json>;
};

type RecordedAnswer = Answer & { scenario: string; step: string };

const folder = join(import.meta.dirname, 'conformance');

function lines(file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  return text.split('\n').filter((line) => line.trim() !== '');
}

export function stepKey(one: { scenario: string; step: string }): string {
  return `${one.scenario} / ${one.step}`;
}

export function loadCases(): Case[] {
  return lines('cases.jsonl').map((line) => parseForSending(line) as unknown as Case);
}

export function loadRecording(file = 'qdrant-1.18.3.jsonl'): Map<string, Answer> {
  const answers = lines(file).map((line) => parseJson(line) as unknown as RecordedAnswer);
  return new Map(answers.map((answer) => [stepKey(answer), answer]));
}

import { describeCount } from './format.ts';
import type { GoldenAnswer } from './recovery-set.ts';
import type { Gate } from './verdict.ts';

/** A golden question asked twice: now, and when the set was taken. */
export interface Asked {
  readonly now: GoldenAnswer;
  readonly before: GoldenAnswer;
}

/**
 * Mean share of the earlier best five that must be among the best five now. Content that changed since the set rightly
 * moves some; four of five leaves room for that, and none for a collection of another model or a lost chapter.
 */
const LEAST_OVERLAP = 0.8;
const NAMED = 3;
const NAME_LENGTH = 60;

/** The answers whose sources are among `sections`; all of them when no section is named. */
export function touching(answers: readonly GoldenAnswer[], sections: readonly string[]): GoldenAnswer[] {
  const affected = new Set(sections);
  return answers.filter(({ sources }) => sections.length === 0 || sources.some((source) => affected.has(source)));
}

/** Every question retrieves one of its sources, unless it did not even when the set was taken. */
export function retrievalGate(asked: readonly Asked[], sections: readonly string[]): Gate {
  const gate = sourcesGate(
    'retrieval',
    'every golden question retrieves one of its sources',
    asked,
    ({ sections: found }) => found,
  );
  if (sections.length === 0 || gate.verdict !== 'pass') return gate;
  const covered = new Set(
    touching(
      asked.map(({ now }) => now),
      sections,
    ).flatMap(({ sources }) => sources),
  );
  const count = sections.filter((section) => covered.has(section)).length;
  const observed = `${gate.observed}; ${describeCount(count)} of ${describeCount(sections.length)} affected sections have a question`;
  // Questions about other sections show that search works, not that what was lost is back.
  return { ...gate, observed, verdict: count === 0 ? 'unproven' : 'pass' };
}

/** The app's own answers cite one of the sources. */
export function citationGate(asked: readonly Asked[]): Gate {
  const expected = 'every answer of the app cites one of its question’s sources';
  // A set that was taken without an app has no citations to compare with, so every question counts.
  const hadApp = asked.some(({ before }) => before.cited.length > 0);
  return sourcesGate('citations', expected, asked, ({ cited }) => cited, hadApp);
}

/** What is retrieved is what was retrieved when the set was taken. */
export function overlapGate(asked: readonly Asked[]): Gate {
  const expected = `on average at least ${LEAST_OVERLAP * 100} % of the five points that each question retrieved when the set was taken`;
  const comparable = asked.filter(({ before }) => before.retrieved.length > 0);
  if (comparable.length === 0) return { name: 'overlap', verdict: 'unproven', expected, observed: NO_QUESTION };
  const shares = comparable.map(overlap);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const moved = comparable.filter((_, at) => (shares[at] ?? 0) < LEAST_OVERLAP).map(({ now }) => now.question);
  // Sums of fifths are not exact in binary: 0.8 must not miss itself.
  const enough = mean >= LEAST_OVERLAP - 1e-9;
  return {
    name: 'overlap',
    verdict: enough ? 'pass' : 'fail',
    expected,
    observed: `${(mean * 100).toFixed(1)} % over ${describeCount(comparable.length)} questions${enough ? '' : `; least: ${named(moved)}`}`,
  };
}

const NO_QUESTION = 'no golden question that could be compared';

function sourcesGate(
  name: string,
  expected: string,
  asked: readonly Asked[],
  found: (answer: GoldenAnswer) => string[],
  hasBaseline = true,
): Gate {
  const hits = (answer: GoldenAnswer): boolean => answer.sources.some((source) => found(answer).includes(source));
  // A question that failed when all was well says nothing about the recovery.
  const telling = asked.filter(({ before }) => !hasBaseline || hits(before));
  const silent = asked.length - telling.length;
  const left = silent === 0 ? '' : `; ${describeCount(silent)} not counted, which failed when the set was taken too`;
  if (telling.length === 0) return { name, verdict: 'unproven', expected, observed: `${NO_QUESTION}${left}` };
  const failed = telling.filter(({ now }) => !hits(now)).map(({ now }) => now.question);
  const observed = `${describeCount(telling.length - failed.length)} of ${describeCount(telling.length)}${failed.length > 0 ? `; not: ${named(failed)}` : ''}${left}`;
  return { name, verdict: failed.length > 0 ? 'fail' : 'pass', expected, observed };
}

function overlap({ now, before }: Asked): number {
  const found = new Set(now.retrieved);
  return before.retrieved.filter((id) => found.has(id)).length / before.retrieved.length;
}

function named(questions: readonly string[]): string {
  const short = questions
    .slice(0, NAMED)
    .map((one) => `“${one.length > NAME_LENGTH ? `${one.slice(0, NAME_LENGTH)}…` : one}”`);
  return short.join(', ') + (questions.length > NAMED ? ` and ${questions.length - NAMED} more` : '');
}

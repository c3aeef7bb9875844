import { randomUUID } from 'node:crypto';
import type { Artifact } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import {
  type GoldenAnswer,
  goldenAnswerSchema,
  type GoldenQuestion,
  type RecoverySet,
} from '../../domain/recovery-set.ts';
import { type Asked, citationGate, overlapGate, retrievalGate, touching } from '../../domain/golden.ts';
import type { Gate } from '../../domain/verdict.ts';
import { putBytes, readWhole } from '../lines.ts';
import type { Work } from '../progress.ts';
import { checkOwnText } from './own-text.ts';
import type { StackPorts } from './ports.ts';

const TOP = 5;

type Ports = Pick<StackPorts, 'vectors' | 'store' | 'embedder' | 'app' | 'questions' | 'fields'>;

interface Retrieval {
  readonly collection: string;
  readonly set?: RecoverySet | undefined;
  readonly sections: readonly string[];
  readonly withoutApp?: boolean | undefined;
}

/** Asks every golden question and keeps what came back: the baseline that a recovered stack is compared with. */
export async function captureGolden(
  ports: Ports,
  { collection, folder }: { collection: string; folder: string },
  work: Work,
): Promise<Artifact> {
  const answers = await askAll(ports, collection, await ports.questions(), work);
  const bytes = Buffer.from(`${JSON.stringify(answers, null, 2)}\n`);
  return putBytes(ports.store, `${folder}/golden-${randomUUID().slice(0, 8)}.json`, bytes);
}

/**
 * Asks the set's golden questions again: those of the affected sections, or all of them where no section is named. Where
 * none of them asks about what was affected, the affected chunks' own text stands in.
 */
export async function checkRetrieval(
  ports: Ports,
  { collection, set, sections, withoutApp }: Retrieval,
  work: Work,
): Promise<Gate[]> {
  const app = withoutApp === true ? undefined : ports.app;
  const baseline = set ? await readBaseline(ports, set) : (await ports.questions()).map(neverAsked);
  const before = touching(baseline, sections);
  if (before.length === 0 && set) return [await checkOwnText(ports, { collection, set, sections }, work)];
  const now = await askAll({ ...ports, app }, collection, before, work);
  const asked = now.map((answer, at): Asked => ({ now: answer, before: before[at] ?? answer }));
  const gates = [retrievalGate(asked, sections), ...(set ? [overlapGate(asked)] : [])];
  return app ? [...gates, citationGate(asked)] : gates;
}

/** A question of which nobody knows what it retrieved: that it finds one of its sources is all that can be asked. */
function neverAsked(question: GoldenQuestion): GoldenAnswer {
  return { ...question, retrieved: [], sections: [...question.sources], cited: [...question.sources] };
}

/** The golden answers of a set. @throws SET_TAMPERED */
export async function readBaseline({ store }: Pick<StackPorts, 'store'>, set: RecoverySet): Promise<GoldenAnswer[]> {
  const bytes = await readWhole(store, set.golden);
  const parsed = goldenAnswerSchema.array().safeParse(JSON.parse(bytes.toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new RecoveryError('SET_TAMPERED', `${set.golden.key} does not hold golden answers`);
}

async function askAll(
  { vectors, embedder, app }: Ports,
  collection: string,
  questions: readonly GoldenQuestion[],
  { report, signal }: Work,
): Promise<GoldenAnswer[]> {
  const answers: GoldenAnswer[] = [];
  for (const { question, sources } of questions) {
    signal.throwIfAborted();
    report({ phase: 'ask golden questions', done: answers.length, total: questions.length });
    const hits = await vectors.query(collection, await embedder.embedQuery(question, signal), TOP, signal);
    const cited = app ? (await app.ask(question, signal)).cited : [];
    answers.push({
      question,
      sources,
      retrieved: hits.map(({ id }) => id),
      sections: hits.map(({ section }) => section),
      cited,
    });
  }
  return answers;
}

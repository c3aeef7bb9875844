/** The proposed configuration: an ES module with a comment at everything that was guessed, to be read and corrected by a person. */
import type { AppGuess } from './discovery-app.ts';
import { type FieldGuesses, idStrategyOf } from './discovery-fields.ts';
import type { Found, FoundCollection } from './discovered.ts';
import type { TableGuesses } from './discovery-tables.ts';
import { type Hazard, sayHazard } from './hazards.ts';
import { type PresetName, PRESETS } from './presets.ts';

export interface Proposed {
  readonly found: Found;
  readonly fields: FieldGuesses;
  readonly tables: TableGuesses;
  readonly app?: AppGuess | undefined;
  readonly hazards: readonly Hazard[];
}

/** A setting: its value, and what is said of it. */
type Entry = readonly [key: string, value: unknown, comment?: string | undefined];

const INDENT = '  ';
const FIELDS = ['text', 'source', 'chunkId', 'chunkIndex', 'contentHash'] as const;

export function renderProposal(proposed: Proposed): string {
  const { found, hazards } = proposed;
  const head = [
    '// Proposed by looking, and reading only. Check every line with a comment before a worker uses it.',
    '// Secrets and addresses are read from variables: see docs/configuration.md.',
    ...(hazards.length > 0
      ? [
          '//',
          '// What will hurt in a recovery:',
          ...hazards.map((hazard) => `// - ${sayHazard(hazard).replaceAll(/\s+/g, ' ')}`),
        ]
      : []),
  ];
  const body: Entry[] = [
    ...(found.qdrant ? [['qdrant', new Nested(qdrantEntries(found.qdrant, proposed.fields))] as const] : []),
    ...(found.postgres
      ? [['postgres', new Nested([['tables', new Nested(tableEntries(proposed.tables))]])] as const]
      : []),
    ...(found.qdrant
      ? [['embeddings', new Nested([['identity', new Nested(identityEntries(found.qdrant))]])] as const]
      : []),
    ...(proposed.app ? [['app', new Nested(appEntries(proposed.app))] as const] : []),
    [
      'goldenQuestions',
      'golden-questions.json',
      '[{ "question": …, "sources": [sections that must be found] }]: write ten or more',
    ],
  ];
  return `${head.join('\n')}\nexport default ${render(new Nested(body), 0)};\n`;
}

/** A beginning without having looked at anything. */
export function renderPreset(name: PresetName): string {
  const { about, tables } = PRESETS[name];
  const nested = (value: object): Nested =>
    new Nested(
      Object.entries(value).map(([key, held]): Entry => [
        key,
        typeof held === 'object' && held !== null ? nested(held as object) : held,
      ]),
    );
  const body: Entry[] = [
    ['qdrant', nested({ fields: { text: 'text', source: 'source' } }), 'payload fields of your points'],
    ...(tables === undefined ? [] : [['postgres', nested({ tables })] as const]),
    ['goldenQuestions', 'golden-questions.json'],
  ];
  const head = `// Preset ${name}: ${about}.\n// Nothing was looked at: correct every name. \`npm run discover\` without --preset looks.\n`;
  return `${head}export default ${render(new Nested(body), 0)};\n`;
}

class Nested {
  readonly entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.entries = entries;
  }
}

function qdrantEntries(found: FoundCollection, fields: FieldGuesses): Entry[] {
  const { collection, alias, points } = found;
  const named = alias === undefined ? 'no alias stands for it' : `alias of ${collection}`;
  const guessed = FIELDS.flatMap((key): Entry[] => {
    const guess = fields[key];
    return guess ? [[key, guess.name, guess.why]] : [];
  });
  const missing = (['text', 'source'] as const).filter((key) => fields[key] === undefined);
  return [
    ['collection', alias ?? collection, `${named}; ${points} points`],
    ['idStrategy', idStrategyOf(found)],
    ['fields', new Nested(guessed), missing.length > 0 ? `not found, name them: ${missing.join(', ')}` : undefined],
  ];
}

function identityEntries({ vectors }: FoundCollection): Entry[] {
  const [vector = { size: 768, distance: 'Cosine', name: undefined }, ...others] = vectors;
  const more = others.length > 0 ? `others: ${others.map(({ name }) => name ?? '').join(', ')}` : undefined;
  return [
    ['model', '', 'the model that made the vectors: nothing in the stores tells it (or EMBEDDINGS_MODEL)'],
    ['dimensions', vector.size],
    ['distance', vector.distance],
    ...(vector.name === undefined ? [] : [['vectorName', vector.name, more] as const]),
  ];
}

function tableEntries({ chunks, sessions, messages, trace }: TableGuesses): Entry[] {
  const plain = (value: object): Nested =>
    new Nested(Object.entries(value).filter(([, held]) => held !== undefined) as Entry[]);
  const entries: Entry[] = [];
  if (chunks) {
    const { why, payload, ...columns } = chunks;
    const further = Object.keys(payload).length > 0 ? { payload: plain(payload) } : {};
    const missing = (['text', 'source'] as const).filter((key) => columns[key] === undefined);
    const lacking = missing.length > 0 ? `; no column says what the points say, name them: ${missing.join(', ')}` : '';
    entries.push(['chunks', plain({ ...columns, ...further }), why + lacking]);
  }
  if (sessions) entries.push(['sessions', plain(sessions)]);
  if (messages) entries.push(['messages', plain(messages)]);
  if (trace) entries.push(['trace', plain(trace), 'which chunks an answer cites']);
  return entries;
}

function appEntries({ health, ask }: AppGuess): Entry[] {
  const entries: Entry[] = [];
  if (health)
    entries.push([
      'health',
      new Nested([['path', health.path]]),
      health.deep ? 'speaks of the stores' : 'touches no store, as it seems',
    ]);
  if (ask) {
    const { method, path, question, answer, citations } = ask;
    entries.push([
      'ask',
      new Nested([
        ['method', method],
        ['path', path],
        ['body', new Nested([[question, '{{question}}']])],
        ...(answer === undefined ? [] : [['answer', answer] as const]),
        ...(citations === undefined ? [] : [['citations', citations] as const]),
      ]),
      'from the app’s OpenAPI; other fields that it needs go into body',
    ]);
  }
  return entries;
}

function render(value: unknown, depth: number): string {
  if (!(value instanceof Nested)) return JSON.stringify(value);
  if (value.entries.length === 0) return '{}';
  const inner = INDENT.repeat(depth + 1);
  const lines = value.entries.map(([key, held, comment]) => {
    const said = comment === undefined ? '' : `${inner}// ${comment.replaceAll(/\s+/g, ' ')}\n`;
    return `${said}${inner}${nameOf(key)}: ${render(held, depth + 1)},`;
  });
  return `{\n${lines.join('\n')}\n${INDENT.repeat(depth)}}`;
}

function nameOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}

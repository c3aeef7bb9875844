import { describe, expect, test } from '@jest/globals';
import { NOTHING_DECLARED, type Declared } from '../../domain/declared.ts';
import { discoveryOf, discoverySchema } from '../../domain/discovery.ts';
import type { Found } from '../../domain/discovered.ts';
import { hazardsOf, sayHazard, type Surroundings } from '../../domain/hazards.ts';

/** A stack that nothing is to be said of. */
const WELL = {
  qdrant: {
    collection: 'textbook-v2',
    alias: 'textbook',
    points: 30,
    vectors: [{ size: 768, distance: 'Cosine' }],
    indexes: ['chapter'],
    sample: Array.from({ length: 20 }, (_, at) => ({
      id: `00000000-0000-5000-8000-${String(at).padStart(12, '0')}`,
      payload: { text: `passage ${at}` },
    })),
  },
  app: { operations: [], health: [{ path: '/health/deep', status: 200, body: { status: 'ok', qdrant: 'ok' } }] },
} satisfies Found;
const AROUND: Surroundings = {
  appUrl: 'https://app.example',
  qdrantUrl: 'https://qdrant.example:6333',
  embeddingModel: 'gemini-embedding-001',
  nodeMajor: 24,
  healthPath: '/health/deep',
};
const DEEP = { health: { path: '/health/deep', deep: true } };
const withIds = (ids: readonly string[]): Found => ({
  ...WELL,
  qdrant: { ...WELL.qdrant, sample: ids.map((id) => ({ id: id, payload: {} })) },
});
const declared = (more: Partial<Declared>): Surroundings => ({ ...AROUND, declared: { ...NOTHING_DECLARED, ...more } });
const told = (found: Found, around: Surroundings = AROUND): string[] =>
  hazardsOf(found, DEEP, around).map(({ name }) => name);

describe('hazards', () => {
  test('none are told of a stack that has none', () => expect(hazardsOf(WELL, DEEP, AROUND)).toEqual([]));

  test.each<[string, string[], Surroundings]>([
    ['a model that was shut down', ['retired-model'], { ...AROUND, embeddingModel: 'models/text-embedding-004' }],
    ['a name that is the provider’s', ['provider-host'], { ...AROUND, appUrl: 'https://book.up.railway.app' }],
    [
      'a name of a provider that lets it sleep',
      ['provider-host', 'app-sleeps'],
      { ...AROUND, appUrl: 'https://a-b.hf.space' },
    ],
    [
      'such a name whose traffic can be sent elsewhere',
      ['app-sleeps'],
      { ...AROUND, appUrl: 'https://a-b.hf.space', traffic: true },
    ],
    ['a provider’s name within another one', [], { ...AROUND, appUrl: 'https://hf.space.example' }],
    [
      'a cluster of Qdrant Cloud',
      ['qdrant-sleeps'],
      { ...AROUND, qdrantUrl: 'https://x.eu-central-1-0.aws.cloud.qdrant.io:6333' },
    ],
    ['a health path that is not there', ['health-path'], { ...AROUND, healthPath: '/health' }],
    [
      'a declared health path that is not there',
      ['declared-health'],
      declared({ health: [{ where: 'Dockerfile', path: '/api/health' }] }),
    ],
    ['a declared health path that is there', [], declared({ health: [{ where: 'Dockerfile', path: '/health/deep' }] })],
    [
      'a health check by a program that is not there',
      ['health-program'],
      declared({ health: [{ where: 'Dockerfile', path: '/health/deep', program: 'curl' }], lacking: ['curl'] }),
    ],
    [
      'ports that differ',
      ['declared-port'],
      declared({
        ports: [
          { where: 'Dockerfile', port: 8000 },
          { where: 'compose.yml, app', port: 7860 },
        ],
      }),
    ],
    [
      'ports that do not',
      [],
      declared({
        ports: [
          { where: 'Dockerfile', port: 8000 },
          { where: 'compose.yml, app', port: 8000 },
        ],
      }),
    ],
    [
      'a volume beside the data',
      ['volume-path'],
      declared({ volumes: [{ where: 'compose.yml, q', image: 'qdrant/qdrant', targets: ['/qdrant_data'] }] }),
    ],
    [
      'no volume at all',
      ['volume-path'],
      declared({ volumes: [{ where: 'compose.yml, db', image: 'postgres', targets: [] }] }),
    ],
    [
      'volumes where the data is',
      [],
      declared({
        volumes: [
          { where: 'q', image: 'qdrant/qdrant', targets: ['/qdrant/snapshots', '/qdrant/storage'] },
          { where: 'old', image: 'postgres', targets: ['/var/lib/postgresql/data'] },
          { where: 'new', image: 'postgres', targets: ['/var/lib/postgresql'] },
          { where: 'cache', image: 'redis', targets: [] },
        ],
      }),
    ],
  ])('%s', (_what, names, around) => expect(told(WELL, around)).toEqual(names));

  test('of ids: beyond 2^53, hashes, random ones that rows hold', () => {
    const counters = Array.from({ length: 20 }, (_, at) => String(at + 1));
    const hashes = counters.map((at) => String(((BigInt(at) * 2654435761n) % 2147483647n) | 67108864n));
    const random = counters.map((at) => `3f0c9a5e-7d1b-4c2e-9a8f-${at.padStart(12, '0')}`);
    expect(told(withIds(counters))).toEqual([]);
    expect(told(withIds([...counters, '11529215046068469761']))).toEqual(['large-ids']);
    expect(hazardsOf(withIds(['11529215046068469761']), DEEP, { ...AROUND, nodeMajor: 20 })).toMatchObject([
      { name: 'large-ids', state: 'broken', message: expect.stringContaining('this Node 20') },
    ]);
    expect(told(withIds(hashes))).toEqual(['hashed-ids']);
    expect(told(withIds(hashes.slice(0, 5)))).toEqual([]);
    expect(told(withIds(random))).toEqual([]);
    const postgres = { tables: [], ids: [{ table: 'chunks', column: 'id', matched: 20, rows: [] }] };
    expect(told({ ...withIds(random), postgres })).toEqual(['random-ids']);
  });

  test('of what nothing can take the place of, what has no index, and what looks at nothing', () => {
    const { alias: _alias, ...plain } = WELL.qdrant;
    expect(told({ ...WELL, qdrant: { ...plain, indexes: [] } })).toEqual(['no-alias', 'no-payload-index']);
    const shallow = { operations: [], health: [{ path: '/health/deep', status: 200, body: { status: 'ok' } }] };
    expect(
      hazardsOf({ app: shallow }, { health: { path: '/health/deep', deep: false } }, AROUND).map(({ name }) => name),
    ).toEqual(['shallow-health']);
  });

  test('the worst come first, each as a sentence with what to do', () => {
    const found = hazardsOf(WELL, DEEP, {
      ...AROUND,
      appUrl: 'https://a.onrender.com',
      embeddingModel: 'embedding-001',
    });
    expect(found.map(({ state }) => state)).toEqual(['broken', 'warning', 'warning']);
    for (const hazard of found) expect(sayHazard(hazard)).toMatch(/^[A-ZÄÖÜ].*[^.]\. [A-Z].*\.$/);
  });
});

describe('a discovery', () => {
  test('stays small, however much there is, and says where it was cut', () => {
    const names = Array.from({ length: 40 }, (_, at) => `${'länglich_'.repeat(100)}${at}`);
    const payloadOf = (at: number): Record<string, string> => ({
      text: `passage ${at}: a servo turns until the encoder says that it is there`,
      ...Object.fromEntries(names.map((name) => [name, `${name} of passage ${at}`])),
    });
    const sample = WELL.qdrant.sample.map(({ id }, at) => ({ id, payload: payloadOf(at) }));
    const rows = sample.map(({ id, payload }) => ({ id, ...payload }));
    const columns = ['text', ...names].map((name) => ({ name, type: 'text', needed: true }));
    const table = {
      table: 'chunks',
      columns: [{ name: 'id', type: 'uuid', needed: true }, ...columns],
      primaryKey: ['id'],
      references: [],
      rows,
    };
    const postgres = { tables: [table], ids: [{ table: 'chunks', column: 'id', matched: 20, rows }] };
    const look = {
      found: { ...WELL, qdrant: { ...WELL.qdrant, sample }, postgres },
      leftOut: ['x'.repeat(10_000)],
    };
    const found = discoveryOf(look, AROUND);
    expect(Buffer.byteLength(found.proposal)).toBeLessThan(48_000);
    expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThan(64_000);
    expect(found.proposal).toContain('ends here');
    expect(discoverySchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(JSON.parse(JSON.stringify(found)));
  });

  test('of hazards alone proposes nothing', () => {
    const found = discoveryOf({ found: WELL, leftOut: [] }, { ...AROUND, embeddingModel: 'embedding-001' }, true);
    expect(found).toEqual({
      seen: ['Qdrant', 'the app'],
      leftOut: [],
      hazards: [expect.objectContaining({ name: 'retired-model' })],
      guesses: { fields: {}, tables: {}, app: {} },
      proposal: '',
    });
  });
});

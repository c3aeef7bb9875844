import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer } from 'node:net';
import { createProbe } from '../../../activities/qdrant/cluster.ts';
import { type ClusterProbe, clusterProbeSchema } from '../../../domain/cluster-probe.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import { type Said, startServer, type TestServer } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';
import { ADMIN_KEY } from '../../support/qdrant.ts';
import { type CollectionStage, setCollectionStage } from './collection-stage.ts';
import { EMBEDDING, fill, point } from './stage.ts';

type ProbeParts = Parameters<typeof createProbe>[0];

describe('looking at a cluster', () => {
  let stage: CollectionStage;
  beforeAll(async () => {
    stage = await setCollectionStage();
    await fill(stage, 'book', [point('1', 1), point('2', 2)]);
  });
  afterAll(() => stage.close());
  afterEach(() => stage.qdrant.noFaults());

  const probe = async (
    over: Partial<ProbeParts> & { collection?: string; server?: object } = {},
  ): Promise<ClusterProbe> => {
    const { collection = 'book', server, ...parts } = over;
    const config = stage.qdrant.config(server);
    const { probeCluster } = createProbe({ config, embedding: EMBEDDING, timeoutMs: 400, slowMs: 200, ...parts });
    return clusterProbeSchema.parse(await probeCluster({ collection }));
  };
  const findings = ({ looks }: ClusterProbe): string => looks.map(({ finding }) => finding).join(' ');
  const saidAt = ({ looks }: ClusterProbe, depth: string): string | undefined =>
    looks.find((look) => look.depth === depth)?.said;

  test('a sound one is well from every side, with its version', async () => {
    const seen = await probe({
      checkHealth: () => Promise.resolve(),
      readPhase: () => Promise.resolve({ phase: 'HEALTHY' }),
    });
    expect(findings(seen)).toBe('ok ok ok ok ok ok');
    expect(seen).toMatchObject({ version: '1.18.3', cloud: { phase: 'HEALTHY' } });
    expect(saidAt(seen, 'query')).toBe('2 points, and one found');
  });

  test('nobody listens: the app is asked all the same, the cloud need not answer', async () => {
    const seen = await probe({
      server: { url: `http://127.0.0.1:${await freePort()}` },
      checkHealth: () => Promise.reject(new RecoveryError('APP_REFUSED', 'the app says: no vectors')),
      readPhase: () => Promise.reject(new Error('denied')),
    });
    expect(findings(seen)).toBe('refused untried untried untried untried wrong');
    expect([saidAt(seen, 'app'), seen.cloud, seen.version]).toEqual(['the app says: no vectors', undefined, undefined]);
  });

  test('a name that is unknown, and an app that is not configured', async () => {
    expect(findings(await probe({ server: { url: 'http://nowhere.invalid:6333' } }))).toMatch(
      /^unresolved( untried){5}$/,
    );
  });

  test('one that takes connections and never answers', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const from = performance.now();
    const seen = await probe({
      server: { url: `http://127.0.0.1:${port}` },
      checkHealth: () => new Promise(() => undefined),
    });
    silent.close();
    expect(findings(seen)).toBe('ok timeout untried untried untried timeout');
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  test('a key that is not taken, without the key in what is said', async () => {
    const seen = await probe({ server: { apiKey: 'another-key' } });
    expect(findings(seen)).toBe('ok ok denied untried untried untried');
    expect(saidAt(seen, 'key')).toContain('Invalid API key');
  });

  test('a collection that is absent, and a shard that did not come up', async () => {
    expect(findings(await probe({ collection: 'other' }))).toBe('ok ok ok absent untried untried');
    await stage.qdrant.fault('dummy-shard', { path: '^/collections/book' });
    const seen = await probe();
    expect(findings(seen)).toBe('ok ok ok dummy-shard untried untried');
    expect(saidAt(seen, 'collection')).toContain('Dirty shard');
  });

  test('a shard that only answers questions about itself', async () => {
    await stage.qdrant.fault('dummy-shard', { path: '/points' });
    expect(findings(await probe())).toBe('ok ok ok ok dummy-shard untried');
  });

  test('too many requests, and answers that are much too slow', async () => {
    await stage.qdrant.fault('rate-limit', {});
    expect(findings(await probe())).toBe('ok ok busy busy busy untried');
    await stage.qdrant.noFaults();
    expect(findings(await probe({ slowMs: 0 }))).toBe('busy busy busy busy busy untried');
  });

  test('a server that is not ready', async () => {
    await stage.qdrant.fault('unavailable', { path: 'readyz' });
    expect(findings(await probe())).toBe('ok unavailable untried untried untried untried');
  });

  test('strict mode that forbids counting is no fault', async () => {
    const strict = (config: object) => stage.qdrant.call('PATCH', '/collections/book', { strict_mode_config: config });
    await strict({ enabled: true, search_allow_exact: false });
    const seen = await probe();
    await strict({ enabled: false });
    expect([findings(seen), saidAt(seen, 'query')]).toEqual(['ok ok ok ok ok untried', 'not counted, and one found']);
  });

  test('an empty collection and one of vectors with names', async () => {
    await fill(stage, 'empty', []);
    expect(findings(await probe({ collection: 'empty' }))).toBe('ok ok ok ok absent untried');
    await stage.qdrant.call('PUT', '/collections/named', { vectors: { text: { size: 2, distance: 'Dot' } } });
    await stage.qdrant.call('PUT', '/collections/named/points?wait=true', {
      points: [{ id: 1, vector: { text: [1, 2] } }],
    });
    const seen = await probe({ collection: 'named', embedding: { ...EMBEDDING, vectorName: 'text' } });
    expect(saidAt(seen, 'query')).toBe('1 points, and one found');
  });

  describe('of a server that answers otherwise', () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer();
    });
    afterAll(() => server.stop());
    const told = (answers: Record<string, Said>) => {
      server.answer(({ path }) => answers[path] ?? { body: { result: { collections: [] } } });
      return probe({ server: { url: server.url } });
    };
    const broken = { status: 500, body: { status: { error: 'the operator’s own words' } } };

    test('recovery mode is told by the metrics, whatever the message', async () => {
      const metrics = { body: '# TYPE app_status_recovery_mode gauge\napp_status_recovery_mode 1\n' };
      const seen = await told({ '/collections/book': broken, '/metrics': metrics });
      expect(findings(seen)).toBe('ok ok ok recovery-mode untried untried');
      expect(
        findings(await told({ '/collections/book': broken, '/metrics': { body: 'app_status_recovery_mode 0' } })),
      ).toBe('ok ok ok wrong untried untried');
    });

    test('red is told with its reason', async () => {
      const red = (error: string) => ({ body: { result: { status: 'red', optimizer_status: { error } } } });
      expect(findings(await told({ '/collections/book': red('No space left on device') }))).toContain('full');
      expect(findings(await told({ '/collections/book': red('something') }))).toContain('wrong');
    });

    test('somebody else in its place is wrong, cut and without our key', async () => {
      const seen = await told({ '/collections': { body: `<html>${ADMIN_KEY} ${'x'.repeat(1_000)}</html>` } });
      expect(findings(seen)).toBe('ok ok wrong untried untried untried');
      expect(saidAt(seen, 'key')).toHaveLength(300);
      expect(JSON.stringify(seen)).not.toContain(ADMIN_KEY);
    });

    test('a search that finds nothing among points is wrong', async () => {
      const seen = await told({
        '/collections/book': { body: { result: { status: 'green', optimizer_status: 'ok' } } },
        '/collections/book/points/count': { body: { result: { count: 2 } } },
        '/collections/book/points/scroll': { body: { result: { points: [{ id: 1, vector: [1, 0] }] } } },
        '/collections/book/points/query': { body: { result: { points: [] } } },
      });
      expect(findings(seen)).toBe('ok ok ok ok wrong untried');
      expect(saidAt(seen, 'query')).toBe('2 points, and none found');
    });

    test('a connection that is cut', async () => {
      expect(findings(await told({ '/readyz': 'cut' }))).toMatch(/^ok reset/);
    });
  });
});

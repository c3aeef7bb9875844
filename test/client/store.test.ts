import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createArtifactStore } from '../../activities/store/index.ts';
import { placeOf, storedReport, storedSets } from '../../client/store.ts';
import { type StoreConfig, storeConfigSchema } from '../../config/store.ts';
import type { RunReport } from '../../domain/report.ts';
import { pieces } from '../contracts/store/contract.ts';
import { temporaryFolder } from '../support/folder.ts';
import { newBucket, type S3Server, startMoto } from '../support/s3.ts';

let server: S3Server;
beforeAll(async () => {
  server = await startMoto();
});
afterAll(() => server?.stop());

/** A public key of age whose private one nobody kept: the command line must do without. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const REPORT: RunReport = {
  version: 1,
  scenario: 'partial-loss',
  environment: 'test',
  workflowId: 'partial-loss',
  runId: 'run',
  drill: true,
  initiator: { claimed: 'test@host' },
  outcome: 'recovered',
  verdict: 'pass',
  faultDeclaredAt: '2026-01-01T00:00:00Z',
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: '2026-01-01T00:00:01Z',
  phases: {},
  objectives: { rtoSeconds: 3600, rpoSeconds: 86_400 },
  gates: [],
  steps: [],
  decisions: [],
  undo: [],
  notes: [],
  artifacts: {},
};

describe.each([
  ['a folder', async (): Promise<StoreConfig> => storeConfigSchema.parse({ directory: temporaryFolder('dr-store') })],
  ['a bucket', async (): Promise<StoreConfig> => ({ directory: '', s3: await newBucket(server, { prefix: 'dr/' }) })],
])('the command line over %s, encrypted for somebody else', (_name, make) => {
  let config: StoreConfig;
  const put = (key: string, text: string): Promise<unknown> =>
    createArtifactStore(config).put(key, pieces(Buffer.from(text), 100));
  beforeAll(async () => {
    config = { ...(await make()), encryption: { recipients: [RECIPIENT] } };
  });

  test('names what looks like a set and is none', async () => {
    await put('sets/set-20260501T000000Z-abcdef/manifest.json', '{"version": 1, torn');
    await put('sets/set-20260501T000000Z-abcdef/qdrant.snapshot', 'bytes');
    expect(await storedSets(config)).toEqual([
      { id: 'set-20260501T000000Z-abcdef', problem: expect.stringContaining('is not a manifest') },
    ]);
  });

  test('finds the newest report of a run, of all its attempts or of one', async () => {
    const report = (scenario: string): string => JSON.stringify({ ...REPORT, scenario });
    await put('runs/partial-loss/run-2/report-1000.json', report('of the second'));
    await put('runs/partial-loss/run-1/report-999.json', report('of the first'));
    await put('runs/partial-loss/run-1/report-1001.md', '# not this one');
    expect(await storedReport(config, 'partial-loss')).toMatchObject({ scenario: 'of the second' });
    expect(await storedReport(config, 'partial-loss', 'run-1')).toMatchObject({ scenario: 'of the first' });
    expect(await storedReport(config, 'partial-los')).toBeUndefined();
  });
});

test('a store is named by where it is', async () => {
  expect(placeOf(storeConfigSchema.parse({ directory: '/backups' }))).toBe('/backups');
  expect(placeOf(storeConfigSchema.parse({ s3: { bucket: 'the-bucket', prefix: 'dr/' } }))).toBe('s3://the-bucket/dr/');
});

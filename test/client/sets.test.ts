import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { withFailures } from '../../activities/fail.ts';
import { createRetentionActivities } from '../../activities/set/prune.ts';
import { createArtifactStore } from '../../activities/store/index.ts';
import { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { IndexEntry } from '../../domain/index-entry.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import { retentionPolicySchema } from '../../domain/retention.ts';
import { registerSearchAttributes } from '../../workers/search-attributes.ts';
import { fakeStack } from '../support/fake-activities.ts';
import { temporaryFolder } from '../support/folder.ts';
import { makeSet, putManifest, putText, putVerification } from '../support/recovery-set.ts';
import { program, workflowBundle } from '../support/temporal.ts';
import { dr, type Said } from './terminal.ts';

const DAY_MS = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();
const idOf = (takenAt: string): string => `set-${takenAt.replace(/[-:]|\.\d+/g, '')}-aaaaaa`;

let directory: string;
let store: ArtifactStore;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = temporaryFolder('dr-sets');
  store = createArtifactStore({ directory });
  env = { DR_ENVIRONMENT: 'test', STORE_DIRECTORY: directory };
});

async function put(
  days: number,
  state: 'candidate' | 'verified' = 'verified',
  change: (set: RecoverySet) => RecoverySet = (set) => set,
): Promise<RecoverySet> {
  const takenAt = ago(days);
  const set = change({ ...(await makeSet(store, { id: idOf(takenAt) })), takenAt });
  const sha256 = await putManifest(store, set);
  const gates = [{ name: 'objects', verdict: 'pass' as const, expected: 'all', observed: 'all of them' }];
  if (state === 'verified') await putVerification(store, set.id, sha256, { at: ago(days / 10), gates });
  return set;
}

const run = (...args: string[]): Promise<Said> => dr(args, { env });

describe('dr sets', () => {
  test.each([
    [['exprot', 'x'], 'Did you mean `dr sets export`?'],
    [['lst'], 'Did you mean `dr sets list`?'],
    [['zzzzzz'], 'There are list, show, verify'],
  ])('%j is no command, and what was meant is said', async (args, next) => {
    expect(await run('sets', ...args)).toMatchObject({ code: 2, err: expect.stringContaining(next) });
  });

  test('of another environment are not kept secret', async () => {
    await put(1, 'verified', (set) => ({ ...set, environment: 'staging' }));
    expect((await run('sets')).out).toMatch(/No recovery set of test .* but of staging: .*--all/);
  });

  test('of a store that is not there exits with 4, and does not call it empty', async () => {
    env = { ...env, STORE_DIRECTORY: join(directory, 'not-mounted') };
    expect(await run('sets')).toMatchObject({ code: 4, err: expect.stringContaining('does not exist') });
  });

  test('diff tells points with another text apart from equal counts', async () => {
    const point = (id: string, body: string): IndexEntry => ({ id, text: body, body, section: 'a.md#b', vector: '' });
    const [one, other] = [idOf(ago(2)), idOf(ago(1))];
    for (const [id, body] of [
      [one, 'aaaa'],
      [other, 'bbbb'],
    ] as const)
      await putManifest(store, await makeSet(store, { id, index: [point('1', 'same'), point('2', body)] }));
    const { out } = await run('sets', 'diff', one, other, '--json');
    const { differences } = JSON.parse(out) as { differences: { what: string; second: string }[] };
    expect(differences.find(({ what }) => what === 'points themselves')?.second).toBe(
      '0 more, 0 fewer, 1 with another text or vector',
    );
    const same = JSON.parse((await run('sets', 'diff', one, one, '--json')).out) as {
      differences: unknown[];
    };
    expect(same.differences).toEqual([]);
  });

  test('export to a file is wrong use', async () => {
    const { id } = await put(1);
    const file = join(temporaryFolder('export'), 'file');
    writeFileSync(file, 'x');
    expect(await run('sets', 'export', id, '--to', file)).toMatchObject({
      code: 2,
      err: expect.stringContaining('is a file'),
    });
  });

  test('alone lists, as dr sets list does', async () => {
    const { id } = await put(1);
    const [alone, named] = [await run('sets'), await run('sets', 'list')];
    expect(alone.out).toContain(id);
    expect(named).toEqual(alone);
    expect(JSON.parse((await run('sets', '--json')).out)).toEqual(
      JSON.parse((await run('sets', 'list', '--json')).out),
    );
  });

  test('lists the sets of the environment, the newest first, and names what is no manifest', async () => {
    const [older, newer] = [await put(9), await put(1, 'candidate')];
    await put(2, 'verified', (set) => ({ ...set, environment: 'production' }));
    await putText(store, 'sets/set-20200101T000000Z-abcdef/manifest.json', '{"version": 1, torn');
    const { code, out, err } = await run('sets');
    expect(code).toBe(0);
    expect(out.match(/set-\S+/g)).toEqual([newer.id, older.id]);
    expect(err).toContain('sets/set-20200101T000000Z-abcdef/manifest.json is not a manifest');
    const all = await run('sets', '--all', '--json');
    expect(JSON.parse(all.out)).toMatchObject({
      sets: [{ environment: 'test' }, { environment: 'production', state: 'verified' }, { environment: 'test' }],
      unreadable: [{ id: 'set-20200101T000000Z-abcdef' }],
    });
  });

  test('of a store without any says how to take one', async () => {
    expect((await run('sets')).out).toContain('Take one with `dr backup`');
  });
});

describe('dr sets show', () => {
  test('tells every object, the state and each verification with its gates', async () => {
    const { id, golden } = await put(1);
    const { code, out } = await run('sets', 'show', id);
    expect(code).toBe(0);
    expect(out).toMatch(/state\s+verified/);
    expect(out).toContain(golden.key);
    expect(out).toContain('full verification: pass (w)');
    expect(out).toContain('pass      objects: expected all, saw all of them');
    const json = JSON.parse((await run('sets', 'show', id, '--json')).out) as object;
    expect(json).toMatchObject({
      id,
      state: 'verified',
      partsAgree: true,
      set: { id },
      verifications: [{ level: 'full' }],
    });
  });

  test.each(['set-20200101T000000Z-aaaaaa', '../../etc'])('of %s, which is not there, exits with 5', async (id) => {
    expect(await run('sets', 'show', id)).toMatchObject({
      code: 5,
      err: expect.stringContaining('the store has no set'),
    });
  });

  test('of a set whose manifest was changed exits with 1 and says so', async () => {
    const { id } = await put(1);
    const path = join(directory, 'sets', id, 'SHA256SUMS');
    const sums = readFileSync(path, 'utf8');
    execFileSync('chmod', ['u+w', path]);
    writeFileSync(
      path,
      sums.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    );
    expect(await run('sets', 'show', id)).toMatchObject({ code: 1, err: expect.stringContaining('SET_TAMPERED') });
  });
});

describe('dr sets diff', () => {
  test('names what two sets say differently, and nothing else', async () => {
    const first = await put(2);
    const second = await put(1, 'candidate', (set) => ({
      ...set,
      embedding: { ...set.embedding, model: 'large' },
      qdrant: {
        ...set.qdrant,
        points: 12,
        shape: { ...set.qdrant.shape, payloadSchema: { source: { data_type: 'keyword' } } },
      },
    }));
    const { code, out } = await run('sets', 'diff', first.id, second.id, '--json');
    expect(code).toBe(0);
    const { differences } = JSON.parse(out) as { differences: { what: string; first?: string; second?: string }[] };
    expect(differences.map(({ what }) => what).toSorted()).toEqual(
      ['taken at', 'state', 'bytes', 'embedding model', 'points', 'index on source']
        .filter((what) => what !== 'bytes')
        .toSorted(),
    );
    expect(differences.find(({ what }) => what === 'points')).toEqual({ what: 'points', first: '0', second: '12' });
    expect((await run('sets', 'diff', first.id, first.id)).out).toBe('They say the same.\n');
  });
});

describe('dr sets export', () => {
  const check = (folder: string): string =>
    execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' });

  test('writes a folder that sha256sum itself finds whole, verifications and all', async () => {
    const { id } = await put(1);
    const to = join(temporaryFolder('export'), 'new');
    const { code, out } = await run('sets', 'export', id, '--to', to, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id, folder: to, encrypted: false });
    expect(check(to)).toContain('manifest.json: OK');
    expect(readdirSync(join(to, 'verifications'))).toHaveLength(1);
  });

  test('refuses a folder that is not empty, and leaves it as it is', async () => {
    const { id } = await put(1);
    const to = temporaryFolder('export');
    writeFileSync(join(to, 'mine'), 'x');
    expect(await run('sets', 'export', id, '--to', to)).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not empty'),
    });
    expect(readdirSync(to)).toEqual(['mine']);
  });

  test('leaves nothing when an object is not what the manifest says', async () => {
    const { id, golden } = await put(1);
    const path = join(directory, golden.key);
    execFileSync('chmod', ['u+w', path]);
    writeFileSync(path, '{}');
    const to = temporaryFolder('export');
    const { code, err } = await run('sets', 'export', id, '--to', to);
    expect(code).not.toBe(0);
    expect(err).toContain('SET_TAMPERED');
    expect(readdirSync(to)).toEqual([]);
  });

  test('of an encrypted store needs no key, and with --decrypt writes in clear with sums of its own', async () => {
    const identity = await generateIdentity();
    const recipients = [await identityToRecipient(identity)];
    store = createArtifactStore({ directory, encryption: { recipients, identity: new Secret(identity) } });
    const { id, golden } = await put(1);
    expect(golden.key).toMatch(/\.age$/);
    const [sealed, clear] = [temporaryFolder('sealed'), temporaryFolder('clear')];
    expect((await run('sets', 'export', id, '--to', sealed)).code).toBe(0);
    expect(check(sealed)).toContain('golden.json.age: OK');
    const keys = { ...env, STORE_AGE_RECIPIENTS: recipients.join(','), STORE_AGE_IDENTITY: identity };
    expect((await dr(['sets', 'export', id, '--to', clear, '--decrypt'], { env: keys })).code).toBe(0);
    expect(check(clear)).toContain('golden.json: OK');
    expect(readFileSync(join(clear, 'golden.json'), 'utf8')).toBe('[]');

    const out = join(temporaryFolder('object'), 'golden.json');
    const without = await run('restore-object', golden.key, '--out', out);
    expect(without.code).not.toBe(0);
    expect(existsSync(out)).toBe(false);
    const restored = await dr(['restore-object', golden.key.replace(/\.age$/, ''), '--out', out, '--json'], {
      env: keys,
    });
    expect(JSON.parse(restored.out)).toMatchObject({ key: golden.key, file: out, decrypted: true, bytes: 2 });
    expect(readFileSync(out, 'utf8')).toBe('[]');
  });
});

describe('dr restore-object', () => {
  test('writes one object, and never over a file', async () => {
    const { qdrant } = await put(1);
    const out = join(temporaryFolder('object'), 'snapshot');
    expect((await run('restore-object', qdrant.snapshot.key, '--out', out)).code).toBe(0);
    expect(readFileSync(out, 'utf8')).toMatch(/^snapshot of set-/);
    const again = await run('restore-object', qdrant.snapshot.key, '--out', out);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is not overwritten') });
    const deep = await run('restore-object', qdrant.snapshot.key, '--out', join(`${out}-folder`, 'snapshot'));
    expect(deep).toMatchObject({ code: 2, err: expect.stringContaining('does not exist') });
    mkdirSync(`${out}2`);
    expect((await run('restore-object', qdrant.snapshot.key, '--out', `${out}2`)).code).toBe(2);
  });

  test.each(['runs/x/report-1.json', 'sets/set-20200101T000000Z-aaaaaa/golden.json'])(
    '%s exits with 5',
    async (key) => {
      expect((await run('restore-object', key, '--out', '/tmp/never')).code).toBe(5);
    },
  );

  test('of an object that was changed says what to do with the set, and not to try again', async () => {
    const { qdrant, id } = await put(1);
    const path = join(directory, qdrant.snapshot.key);
    chmodSync(path, 0o644);
    writeFileSync(path, readFileSync(path, 'utf8').replace('snapshot', 'snapshop'));
    for (const args of [
      ['restore-object', qdrant.snapshot.key, '--out', join(temporaryFolder('object'), 'a')],
      ['sets', 'export', id, '--to', join(temporaryFolder('object'), 'b')],
    ])
      expect(await run(...args)).toMatchObject({ code: 1, err: expect.stringContaining('Do not use this set') });
  });

  test('of what the manifest does not name exits with 5', async () => {
    const { id } = await put(1);
    const { code, err } = await run('restore-object', `sets/${id}/other`, '--out', '/tmp/never');
    expect({ code, err }).toEqual({ code: 5, err: expect.stringContaining(`dr sets show ${id}`) });
  });
});

describe('dr sets prune', () => {
  let server: TestWorkflowEnvironment;

  beforeAll(async () => {
    const executable = { type: 'existing-path', path: program('temporal') } as const;
    server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await registerSearchAttributes(server.connection, 'default');
  });

  afterAll(async () => {
    await server?.teardown();
  });

  let made = 0;
  async function withWorker(talk: (environment: string) => Promise<void>): Promise<void> {
    const environment = `prune-${(made += 1)}`;
    const policy = retentionPolicySchema.parse({});
    env = { ...env, DR_ENVIRONMENT: environment, TEMPORAL_ADDRESS: server.address };
    const own = createRetentionActivities({ store, environment, policy });
    const { activities } = fakeStack({ ...own, findLeaseHolder: async () => null }, environment);
    const worker = await Worker.create({
      connection: server.nativeConnection,
      taskQueue: `recovery-${environment}`,
      workflowBundle: await workflowBundle(),
      activities: withFailures(activities),
    });
    await worker.runUntil(() => talk(environment));
  }

  const put3 = async (environment: string): Promise<string> => {
    const mark = (set: RecoverySet): RecoverySet => ({ ...set, environment });
    await put(1, 'verified', mark);
    await put(20, 'verified', mark);
    return (await put(45, 'verified', mark)).id;
  };

  test('--yes removes what the policy lets go, and answers with the report', async () => {
    await withWorker(async (environment) => {
      const old = await put3(environment);
      const dry = await run('sets', 'prune', '--dry-run', '--json');
      expect(JSON.parse(dry.out)).toMatchObject({
        remove: [{ id: old }],
        verified: [{}, {}, {}].map(() => expect.any(String)),
      });
      const { code, out, err } = await run('sets', 'prune', '--yes', '--json');
      expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(`remove ${old}`) });
      expect(JSON.parse(out)).toMatchObject({ report: { outcome: 'completed', verdict: 'pass' } });
      expect(await store.list(`sets/${old}`)).toEqual([]);
    });
  });

  test('ends well and asks nobody when nothing is to go', async () => {
    await withWorker(async (environment) => {
      await put(1, 'verified', (set) => ({ ...set, environment }));
      const none = await dr(['sets', 'prune'], { env, isTTY: true });
      expect(none).toMatchObject({ code: 0, out: expect.stringContaining('nothing-to-do, verdict pass') });
    });
  });

  test('--json answers with the report when nothing is to go, too', async () => {
    await withWorker(async (environment) => {
      await put(1, 'verified', (set) => ({ ...set, environment }));
      const none = await run('sets', 'prune', '--yes', '--json');
      expect(JSON.parse(none.out)).toMatchObject({ report: { outcome: 'nothing-to-do', verdict: 'pass' } });
    });
  });

  test('shows a person at a terminal what goes and why, and takes no for an answer', async () => {
    await withWorker(async (environment) => {
      const old = await put3(environment);
      const no = await dr(['sets', 'prune'], { env, isTTY: true, typed: 'n\n' });
      expect(no.code).toBe(3);
      expect(no.out).toContain('45 days old');
      expect(await store.list(`sets/${old}`)).not.toEqual([]);
      expect((await run('runs', '--json')).out).toContain('"outcome":"rejected"');
    });
  });

  test('removes them when the person says yes', async () => {
    await withWorker(async (environment) => {
      const old = await put3(environment);
      const yes = await dr(['sets', 'prune'], { env, isTTY: true, typed: 'y\n' });
      expect(yes.code).toBe(0);
      expect(await store.list(`sets/${old}`)).toEqual([]);
    });
  });

  test('is refused, and exits with 1, when no set was verified', async () => {
    await withWorker(async (environment) => {
      await put(45, 'candidate', (set) => ({ ...set, environment }));
      const { code, out } = await run('sets', 'prune', '--yes', '--json');
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ failure: { code: 'VERIFICATION_OVERDUE' } });
      const dry = await run('sets', 'prune', '--dry-run');
      expect(dry).toMatchObject({ code: 1, out: expect.stringContaining('no set has passed a full verification') });
    });
  });

  test('in a pipe without --yes starts nothing', async () => {
    expect(await run('sets', 'prune')).toMatchObject({ code: 2, err: expect.stringContaining('Give --yes') });
  });
});

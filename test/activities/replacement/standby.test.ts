import { describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ReplacementSurvey } from '../../../activities/cluster-contract.ts';
import { createStandbyReplacement, type StandbyParts } from '../../../activities/replacement/standby.ts';
import { RecoveryError } from '../../../domain/failures.ts';
import type { ServerFacts } from '../../../domain/server-facts.ts';
import { recoverySet as set } from '../../support/fake-activities.ts';
import { green } from '../../support/fake-values.ts';

const empty: ServerFacts = {
  version: async () => '1.18.3',
  collections: async () => [],
  access: async () => [green('access')],
  nodes: async () => 1,
};
const down = async (): Promise<never> => {
  throw new RecoveryError('QDRANT_UNREACHABLE', 'connect ECONNREFUSED');
};
const start = { run: ['true'], timeoutSeconds: 10 };

function standby(facts: Partial<ServerFacts>, over: Partial<StandbyParts> = {}) {
  return createStandbyReplacement({
    server: { kind: 'standby' },
    url: 'http://standby:6333',
    facts: { ...empty, ...facts },
    environment: 'test',
    variables: { PATH: process.env['PATH'], TOKEN: 'a-secret-token' },
    secrets: ['a-secret-token'],
    patience: { readyMs: 200, pollMs: 5 },
    ...over,
  });
}

const survey = (facts: Partial<ServerFacts>, over: Partial<StandbyParts> = {}, of = set): Promise<ReplacementSurvey> =>
  new MockActivityEnvironment().run((): Promise<ReplacementSurvey> =>
    standby(facts, over).surveyReplacement({ set: of, collection: 'textbook-content-v1' }),
  );
const bringUp = (facts: Partial<ServerFacts>, over: Partial<StandbyParts> = {}) =>
  new MockActivityEnvironment().run(() => standby(facts, over).bringUpReplacement({ name: 'recovery-1' }));

describe('a standby is looked at', () => {
  test('and fits when it is empty, of a version that can read the set, and keeps strangers out', async () => {
    const { gates, what, unknown } = await survey({});
    expect(gates.map(({ verdict }) => verdict)).not.toContain('fail');
    expect(what).toBe('the standby http://standby:6333');
    expect(unknown.join()).toMatch(/bytes free/);
  });

  test.each<[string, Partial<ServerFacts>, RegExp]>([
    ['is older than the set', { version: async () => '1.17.2' }, /1\.17\.2.*needs/],
    [
      'holds a collection of that name',
      { collections: async () => [{ name: 'textbook-content-v1' }] },
      /is there already/,
    ],
    [
      'has that name as an alias',
      { collections: async () => [{ name: 'x' }, { name: 'textbook-content-v1' }] },
      /is there already/,
    ],
    [
      'holds something of another environment',
      { collections: async () => [{ name: 'x', environment: 'staging' }] },
      /environment staging/,
    ],
    [
      'is open to everybody',
      { access: async () => [{ ...green('access'), verdict: 'fail', observed: 'open to everybody' }] },
      /open to everybody/,
    ],
    ['is down', { version: down }, /ECONNREFUSED/],
  ])('and does not when it %s', async (_name, facts, words) => {
    const { gates } = await survey(facts);
    const red = gates.filter(({ verdict }) => verdict === 'fail');
    expect(red.map(({ observed }) => observed).join()).toMatch(words);
  });

  test('and does not when the set has a snapshot for every one of more nodes', async () => {
    const nodes = [{ node: 'http://b', snapshot: set.qdrant.snapshot }];
    const { gates } = await survey({}, {}, { ...set, qdrant: { ...set.qdrant, nodes } });
    expect(gates.find(({ name }) => name === 'replacement: nodes')).toMatchObject({ verdict: 'fail', observed: '1' });
  });

  test('while it does not run yet: what only it could tell is told as unknown', async () => {
    const { gates, unknown } = await survey({ version: down }, { start });
    expect(gates).toEqual([]);
    expect(unknown[0]).toMatch(/it is started first/);
  });
});

describe('a standby is brought up', () => {
  test('by its command, and is waited for until it answers', async () => {
    let looks = 0;
    const collections = async () => ((looks += 1) < 3 ? down() : []);
    expect(await bringUp({ collections }, { start })).toEqual({
      server: { kind: 'standby' },
      url: 'http://standby:6333',
      version: '1.18.3',
    });
    expect(looks).toBe(3);
  });

  test('never in vain: one that does not come up is told', async () => {
    await expect(bringUp({ collections: down }, { start })).rejects.toMatchObject({ code: 'QDRANT_UNREACHABLE' });
  });

  test('a command that fails says its last words, and no secret', async () => {
    const failing = { run: ['sh', '-c', 'echo "no quota for $TOKEN" >&2; exit 7'], timeoutSeconds: 10 };
    const error: unknown = await bringUp({}, { start: failing }).catch((one: unknown) => one);
    expect(error).toMatchObject({
      code: 'REPLACEMENT_FAILED',
      message: 'qdrantReplacement.standby.start: sh ended with exit code 7: no quota for [redacted]',
    });
  });

  test('and is taken down by its other command, or left as it is', async () => {
    const stop = { run: ['false'], timeoutSeconds: 10 };
    const release = (over: Partial<StandbyParts>) =>
      new MockActivityEnvironment().run(() => standby({}, over).releaseReplacement({ name: 'recovery-1' }));
    await expect(release({ stop })).rejects.toMatchObject({ code: 'REPLACEMENT_FAILED' });
    await expect(release({})).resolves.toBeUndefined();
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Condition, CONDITIONS, conditionOf, diagnose } from '../../domain/cluster-failure.ts';
import { type ClusterProbe, DEPTHS, FINDINGS } from '../../domain/cluster-probe.ts';
import { supportMessage } from '../../domain/support-message.ts';
import { GONE, probeWith } from '../support/fake-cluster.ts';

describe('the condition of a cluster', () => {
  test.each<[Condition, ClusterProbe]>([
    ['well', probeWith()],
    ['gone', GONE],
    ['gone', probeWith({ process: 'unresolved', app: 'unavailable' })],
    ['silent', probeWith({ key: 'timeout' })],
    ['network', probeWith({ process: 'timeout' })],
    ['network', probeWith({ process: 'refused' })],
    ['recovery-mode', probeWith({ collection: 'recovery-mode' })],
    ['broken', probeWith({ collection: 'dummy-shard' })],
    ['emptied', probeWith({ collection: 'absent' })],
    ['full', probeWith({ query: 'full' })],
    ['locked-out', probeWith({ key: 'denied' })],
    ['overloaded', probeWith({ query: 'busy' })],
    ['overloaded', probeWith({ ready: 'unavailable' })],
    ['strange', probeWith({ query: 'wrong' })],
    ['asleep', { ...GONE, cloud: { phase: 'SUSPENDED' } }],
    ['asleep', { ...GONE, cloud: { phase: 'CLUSTER_PHASE_SUSPENDED' } }],
    ['gone', { ...probeWith({ key: 'denied' }), cloud: { phase: 'NOT_FOUND' } }],
    ['locked-out', { ...probeWith({ key: 'denied' }), cloud: { phase: 'HEALTHY' } }],
  ])('is %s', (condition, probe) => {
    expect(conditionOf(probe)).toBe(condition);
  });

  test('an app that fails for reasons of its own says nothing of the cluster', () => {
    expect(conditionOf(probeWith({ app: 'unavailable' }))).toBe('well');
  });

  test('whatever is looked at has a condition, and every condition says what helps', () => {
    const looks = fc.tuple(...DEPTHS.map(() => fc.constantFrom(...FINDINGS)));
    fc.assert(
      fc.property(looks, (findings) => {
        const probe = probeWith(Object.fromEntries(DEPTHS.map((depth, at) => [depth, findings[at]])));
        expect(CONDITIONS[conditionOf(probe)].words).not.toBe('');
      }),
    );
  });
});

describe('a diagnosis', () => {
  test('takes as many rounds as must agree', () => {
    expect(diagnose([GONE, GONE], 3)).toBeUndefined();
    expect(diagnose([GONE, GONE, GONE], 3)).toMatchObject({ condition: 'gone', remedy: 'replace' });
  });

  test('is never made of a blip', () => {
    expect(diagnose([GONE, GONE, probeWith()], 3)).toBeUndefined();
    expect(diagnose([GONE, probeWith(), probeWith(), probeWith()], 3)).toMatchObject({ remedy: 'none' });
  });

  test('of one that comes and goes is for a person', () => {
    const flapping = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? GONE : probeWith()));
    expect(diagnose(flapping, 3)).toMatchObject({
      remedy: 'mend',
      sentence: expect.stringMatching(/comes and goes: 30 looks found gone, well/),
    });
  });

  test('only calls for a replacement where the data is out of reach for good', () => {
    const replaced = Object.entries(CONDITIONS).filter(([, { remedy }]) => remedy === 'replace');
    expect(replaced.map(([name]) => name).sort()).toEqual([
      'broken',
      'emptied',
      'full',
      'gone',
      'recovery-mode',
      'silent',
    ]);
  });
});

describe('the message for Qdrant’s support', () => {
  const diagnosis = diagnose([GONE, GONE, GONE], 3);
  const facts = {
    environment: 'production',
    workflowId: 'qdrant-cluster/production/1',
    faultDeclaredAt: '2026-01-02T03:04:05.000Z',
    collection: 'textbook-content',
    drill: false,
    cloud: { accountId: 'account', clusterId: 'cluster' },
    set: { id: 'set-1', takenAt: '2026-01-02T00:00:00.000Z', serverVersion: '1.18.3', points: 320 },
  };

  test('has what support asks for: cluster, version, times, what was seen, what is at hand', () => {
    if (!diagnosis) throw new Error('no diagnosis');
    const { subject, text } = supportMessage({ ...facts, diagnosis });
    expect(subject).toBe('Qdrant cluster down in production');
    for (const part of [
      'Cluster: cluster (account account)',
      '1.18.3',
      '2026-01-02T03:04:05',
      'process: refused',
      'set-1',
      '320 points',
    ])
      expect(text).toContain(part);
  });

  test('of a drill says so first', () => {
    if (!diagnosis) throw new Error('no diagnosis');
    const { subject, text } = supportMessage({ ...facts, drill: true, set: undefined, cloud: undefined, diagnosis });
    expect(subject).toMatch(/^DRILL, please do nothing/);
    expect(text).toMatch(/^This is a DRILL/);
    expect(text).toContain('self-hosted');
  });
});

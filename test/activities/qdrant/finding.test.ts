import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findingOf } from '../../../activities/qdrant/finding.ts';
import { DEPTHS, FINDINGS } from '../../../domain/cluster-probe.ts';

const error = (text: string): string => JSON.stringify({ status: { error: text }, time: 0.1 });

describe('what an answer comes to', () => {
  test.each([
    [401, 'Must provide an API key or an Authorization bearer token', 'denied'],
    [401, 'Invalid API key or JWT', 'denied'],
    [403, error('Forbidden: Global manage access is required'), 'denied'],
    [403, error('Forbidden: Access to collection book is required'), 'denied'],
    [404, error("Not found: Collection `book` doesn't exist!"), 'absent'],
    [404, '404 page not found', 'wrong'],
    [404, '', 'wrong'],
    [408, error('Timeout: operation timed out'), 'timeout'],
    [429, error('Rate limiting exceeded: Read rate limit exceeded: Operation requires 1 tokens'), 'busy'],
    [
      500,
      error('1 of 1 read operations failed:\n  Service internal error: Dirty shard - shard is not fully initialized'),
      'dummy-shard',
    ],
    [500, error('Service internal error: Failed to Get Info, error: shard is a dummy'), 'dummy-shard'],
    [500, error("Service internal error: Can't init WAL: Kind(WouldBlock)"), 'dummy-shard'],
    [500, error('Service internal error: The replica set does not have enough active replicas'), 'unavailable'],
    [500, error('Qdrant is in recovery mode: out of memory'), 'recovery-mode'],
    [500, error("Qdrant was killed during initialization. Most likely it's OOM."), 'recovery-mode'],
    [
      500,
      error('Service internal error: No space left on device: WAL buffer size exceeds available disk space'),
      'full',
    ],
    [500, error('Service internal error: task panicked'), 'wrong'],
    [502, 'Bad gateway', 'unavailable'],
    [503, 'some shards are not ready', 'unavailable'],
    [503, error('Service temporarily unavailable: Shard temporarily unavailable'), 'unavailable'],
    [504, '<html>Gateway Time-out</html>', 'timeout'],
    [507, error('Insufficient storage: the quota of the node is reached'), 'full'],
    [301, '', 'wrong'],
    [200, '{"result": true}', 'ok'],
  ])('%i %s: %s', (status, said, finding) => {
    expect(findingOf({ status, said, depth: 'collection' })).toBe(finding);
  });

  test('404 where no collection was asked for is not Qdrant', () => {
    expect(findingOf({ status: 404, said: '404 page not found', depth: 'key' })).toBe('wrong');
  });

  test.each([
    ['connect ECONNREFUSED 127.0.0.1:6333', 'refused'],
    ['getaddrinfo ENOTFOUND cluster.example', 'unresolved'],
    ['getaddrinfo EAI_AGAIN cluster.example', 'unresolved'],
    ['Qdrant, readiness: no answer in time', 'timeout'],
    ['connect EHOSTUNREACH 10.0.0.1:6333', 'timeout'],
    ['Qdrant, readiness: ECONNRESET', 'reset'],
    ['Qdrant, readiness: UND_ERR_SOCKET', 'reset'],
    ['the app at http://127.0.0.1:1: socket hang up', 'reset'],
    ['Qdrant, readiness: DEPTH_ZERO_SELF_SIGNED_CERT', 'wrong'],
    ['CERT_HAS_EXPIRED', 'wrong'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'wrong'],
    ['the app says that it is not well', 'wrong'],
  ])('silence, %s: %s', (silence, finding) => {
    expect(findingOf({ silence, depth: 'ready' })).toBe(finding);
  });

  test('whatever is met comes to something', () => {
    const depth = fc.constantFrom(...DEPTHS);
    const met = fc.oneof(
      fc.record({ status: fc.integer({ min: 100, max: 599 }), said: fc.string(), depth }),
      fc.record({ silence: fc.string(), depth }),
    );
    fc.assert(fc.property(met, (one) => FINDINGS.includes(findingOf(one))));
  });
});

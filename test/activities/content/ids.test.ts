import { describe, expect, test } from '@jest/globals';
import { chunkId, ownId } from '../../../activities/content/ids.ts';
import { contentConfigSchema } from '../../../config/content.ts';
import { isPointId } from '../../../domain/point-id.ts';
import { chunkIdOf } from '../../../sandbox/app/chunk-record.ts';

const chunk = { source: 'a.md#one', index: 3, heading: 'One', text: 'Said $& once' };
const NAMESPACE = '3f0c9a5e-7d1b-4c2e-9a8f-6b5d4e3c2b1a';

describe('ids by a rule', () => {
  test('uuid5 gives what an app that follows RFC 9562 gives', () => {
    const ids = { scheme: 'uuid5', namespace: NAMESPACE, name: '{{section}}#{{index}}' } as const;
    expect(chunkId(ids, chunk)).toBe(chunkIdOf('a.md#one', 3));
    // The example of RFC 9562, appendix A.4.
    const dns = { scheme: 'uuid5', namespace: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', name: '{{text}}' } as const;
    expect(chunkId(dns, { ...chunk, text: 'www.example.com' })).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  test.each([
    ['int64', 64],
    ['int63', 63],
    ['int53', 53],
  ] as const)('%s gives the first %i bits of a SHA-256', (scheme, bits) => {
    const id = chunkId({ scheme, name: '{{file}}|{{slug}}|{{heading}}|{{index}}|{{text}}' }, chunk);
    expect(BigInt(id) < 1n << BigInt(bits)).toBe(true);
    // printf 'a.md|one|One|3|Said $& once' | sha256sum
    const whole = BigInt(chunkId({ scheme: 'int64', name: 'a.md|one|One|3|Said $& once' }, chunk));
    expect(BigInt(id)).toBe(whole >> BigInt(64 - bits));
  });

  test('a name that would give every chunk of a section one id is refused, and a namespace is for uuid5 alone', () => {
    const parse = (ids: object): unknown => contentConfigSchema.safeParse({ directory: 'x', ids }).error?.issues;
    expect(parse({ scheme: 'int53', name: '{{section}}' })).toMatchObject([{ path: ['ids', 'name'] }]);
    expect(parse({ scheme: 'uuid5' })).toMatchObject([{ path: ['ids', 'namespace'] }]);
    expect(parse({ scheme: 'int53', namespace: NAMESPACE })).toMatchObject([{ path: ['ids', 'namespace'] }]);
    expect(parse({ scheme: 'int64' })).toBeUndefined();
  });
});

describe('ids without a rule', () => {
  test('are the same every time, of the collection’s kind, and safe as JSON numbers', () => {
    expect(ownId('uuid', chunk)).toBe(ownId('any', chunk));
    expect(ownId('uuid', chunk)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(isPointId(ownId('uuid', chunk))).toBe(true);
    expect(Number.isSafeInteger(Number(ownId('int', chunk)))).toBe(true);
    expect(ownId('int', { ...chunk, index: 4 })).not.toBe(ownId('int', chunk));
  });
});

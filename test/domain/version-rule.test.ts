import { describe, expect, test } from '@jest/globals';
import { whyNotOn } from '../../domain/version-rule.ts';

describe('a snapshot may be restored', () => {
  test.each([
    ['1.18.3', '1.18.3'],
    ['1.18.3', '1.18.9'],
    ['1.18.3', 'v1.19.0'],
    ['1.18.3', '1.19.1-dev'],
  ])('of %s on %s', (snapshot, server) => {
    expect(whyNotOn(snapshot, server)).toBeUndefined();
  });

  test.each([
    ['1.18.3', '1.18.2'],
    ['1.18.3', '1.17.9'],
    ['1.18.3', '1.20.0'],
    ['1.18.3', '2.18.3'],
    ['1.18.3', 'nightly'],
    ['unknown', '1.18.3'],
  ])('of %s on %s not, and the reason says so', (snapshot, server) => {
    expect(whyNotOn(snapshot, server)).toMatch(/needs 1\.18\.3 or newer|is no version/);
  });
});

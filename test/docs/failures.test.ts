import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { FAILURES, type FailureCode } from '../../domain/failures.ts';

const page = readFileSync('docs/failures.md', 'utf8');
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')).trim(), text.replace(/\s+/g, ' ')]),
);

describe('docs/failures.md', () => {
  test('has a heading for every code, and none for a code that is gone', () => {
    expect([...sections.keys()].sort()).toEqual(Object.keys(FAILURES).sort());
  });

  test.each(Object.keys(FAILURES) as FailureCode[])(
    'says of %s what the code says: its class and what to do next',
    (code) => {
      const { retry, next } = FAILURES[code];
      expect(sections.get(code)).toContain(`**${retry}**`);
      expect(sections.get(code)).toContain(next.replace(/\s+/g, ' '));
    },
  );
});

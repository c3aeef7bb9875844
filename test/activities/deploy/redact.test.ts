import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createOutput, createRedactor, redact, secretsIn } from '../../../activities/deploy/redact.ts';

function inPieces(text: string, cuts: readonly number[], secrets: readonly string[]): string {
  const redactor = createRedactor(secrets);
  const ends = [...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b);
  const pieces = [...ends, text.length].map((end, at) => text.slice(ends[at - 1] ?? 0, end));
  return pieces.map((piece) => redactor.push(piece)).join('') + redactor.flush();
}

describe('what is said without secrets', () => {
  test('is the same however the text is cut, and holds none', () => {
    const word = fc.stringMatching(/^[ab]{4,7}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(fc.oneof(word, fc.stringMatching(/^[abc]{0,6}$/)), { maxLength: 8 }),
        fc.array(fc.nat(200), { maxLength: 6 }),
        (secrets, parts, cuts) => {
          const text = parts.join('');
          const said = inPieces(text, cuts, secrets);
          expect(said).toBe(redact(text, secrets));
          // The mark itself is no part of the text.
          for (const piece of said.split('[redacted]'))
            for (const secret of secrets) expect(piece).not.toContain(secret);
        },
      ),
    );
  });

  test('nothing is held back that cannot be a secret, and all of the rest comes at the end', () => {
    const redactor = createRedactor(['secret-1', 'secret-12']);
    expect(redactor.push('all is well, se')).toBe('all is well, ');
    expect(redactor.push('t; secret-1')).toBe('set; ');
    expect(redactor.push('3')).toBe('[redacted]3');
    expect(redactor.push('secr')).toBe('');
    expect(redactor.flush()).toBe('secr');
  });

  test('knows the forms in which values are printed, and leaves what is too short', () => {
    const url = 'postgresql://app:p%40ss%2Fword@db/app';
    const key = '-----BEGIN KEY-----\nline-one\nline-two\n-----END KEY-----';
    const secrets = secretsIn([url, key, '8000'.slice(1), 'say "no"', '']);
    for (const said of [url, 'p%40ss%2Fword', 'p@ss/word', 'line-one', key, JSON.stringify(key), 'say \\"no\\"'])
      expect(redact(`it is ${said}.`, secrets)).not.toContain(said.slice(1, -1));
    expect(redact('port 000', secrets)).toBe('port 000');
  });

  test('the last words are short, in one line, and have no secret at their beginning', () => {
    const said: string[] = [];
    const output = createOutput(['hidden-value'], (text) => said.push(text));
    for (let at = 0; at < 2_000; at += 1) output.write('hidden-\n'.slice(0, 7) + 'value\n');
    const words = output.end();
    expect(words.length).toBeLessThanOrEqual(1_000);
    expect(words).not.toMatch(/hidden|value|\n/);
    expect(said.join('').split('[redacted]')).toHaveLength(2_001);
  });
});

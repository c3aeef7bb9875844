import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chunkMarkdown, slugOf } from '../../domain/chunking.ts';

describe('chunking Markdown', () => {
  test('makes a chunk of every paragraph, and numbers them within their section', () => {
    const chunks = chunkMarkdown(
      'a.md',
      '# Title\n\nBefore.\n\n## First part\n\nOne\nline.\n\nTwo.\n\n## Second!\n\nThree.\n',
    );
    expect(chunks).toEqual([
      { source: 'a.md#title', index: 0, heading: 'Title', text: 'Before.' },
      { source: 'a.md#first-part', index: 0, heading: 'First part', text: 'One line.' },
      { source: 'a.md#first-part', index: 1, heading: 'First part', text: 'Two.' },
      { source: 'a.md#second', index: 0, heading: 'Second!', text: 'Three.' },
    ]);
  });

  test('is the same for both kinds of line ends', () => {
    const markdown = '# T\n\nOne\nline.\n\nTwo.\n';
    expect(chunkMarkdown('a.md', markdown.replaceAll('\n', '\r\n'))).toEqual(chunkMarkdown('a.md', markdown));
  });

  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const sentence = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => `${words.join(' ')}.`);
  const paragraph = fc.array(sentence, { minLength: 1, maxLength: 30 }).map((sentences) => sentences.join(' '));

  test('loses no word, and cuts long paragraphs only between sentences', () => {
    fc.assert(
      fc.property(fc.array(paragraph, { minLength: 1, maxLength: 5 }), (paragraphs) => {
        const chunks = chunkMarkdown('a.md', `# T\n\n${paragraphs.join('\n\n')}`);
        expect(chunks.map(({ text }) => text).join(' ')).toBe(paragraphs.join(' '));
        for (const { text } of chunks) {
          expect(text.endsWith('.')).toBe(true);
          expect(text.length).toBeLessThanOrEqual(1_200);
        }
        expect(chunks.map(({ index }) => index)).toEqual(chunks.map((_, at) => at));
      }),
      { numRuns: 100 },
    );
  });

  test('a sentence longer than a chunk stays whole rather than losing its end', () => {
    const long = `${'word '.repeat(400)}end.`;
    expect(chunkMarkdown('a.md', `# T\n\n${long}`).map(({ text }) => text)).toEqual([long]);
  });

  test.each([
    ['Why retrieval helps', 'why-retrieval-helps'],
    ['  C++ & Rust? ', 'c-rust'],
    ['', ''],
  ])('the slug of %j is %j', (title, slug) => expect(slugOf(title)).toBe(slug));
});

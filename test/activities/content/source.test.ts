import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { readQuestions } from '../../../activities/content/questions.ts';
import { createSourceTexts } from '../../../activities/content/source.ts';
import { temporaryFolder } from '../../support/folder.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('content');
});

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

describe('source texts', () => {
  test('are found by their fingerprint, in whichever file they stand', async () => {
    await mkdir(join(folder, 'part'));
    await writeFile(join(folder, 'a.md'), '# A\n\nFirst text.\n');
    await writeFile(join(folder, 'part/b.md'), '# B\n\n## C\n\nSecond\ntext.\n');
    await writeFile(join(folder, 'part/c.txt'), '# B\n\nThird text.\n');
    const texts = ['First text.', 'Second text.', 'Third text.'];
    const found = await createSourceTexts({ directory: folder, glob: '**/*.md' }).find(texts.map(fingerprint));
    expect([...found.values()]).toEqual(['First text.', 'Second text.']);
  });

  test.each([
    ['a folder without such files', (at: string) => at, 'content.glob'],
    ['a folder that is not there', (at: string) => join(at, 'absent'), 'content.'],
  ])('%s is a mistake in the settings', async (_name, where, setting) => {
    const sources = createSourceTexts({ directory: where(folder), glob: '**/*.md' });
    await expect(sources.find(['x'])).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringContaining(setting),
    });
  });
});

describe('golden questions', () => {
  const write = async (text: string): Promise<string> => {
    const path = join(folder, 'golden.json');
    await writeFile(path, text);
    return path;
  };

  test('are read from their file, and are none without one', async () => {
    const questions = [{ question: 'Why?', sources: ['a.md#x'] }];
    expect(await readQuestions(await write(JSON.stringify(questions)))).toEqual(questions);
    expect(await readQuestions(undefined)).toEqual([]);
  });

  test.each([
    ['[{"question": "Why?", "source": "a"}]', '0.sources'],
    ['[{"question": "", "sources": ["a"]}]', '0.question'],
    ['{', 'cannot be read'],
  ])('%s is refused by name', async (text, words) => {
    await expect(readQuestions(await write(text))).rejects.toMatchObject({
      code: 'INVALID_CONFIGURATION',
      message: expect.stringMatching(new RegExp(`^goldenQuestions: .*${words}`)),
    });
  });
});

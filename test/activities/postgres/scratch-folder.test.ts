import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { tagOf, withScratchFolder } from '../../../activities/postgres/scratch-folder.ts';
import { temporaryFolder } from '../../support/folder.ts';

const DAY_S = 86_400;

test('what attempts that died have left is removed: of the same task at once, of others after a week', async () => {
  const home = temporaryFolder('scratch');
  const left = async (name: string, days: number): Promise<void> => {
    await mkdir(join(home, name));
    await writeFile(join(home, name, 'toc.dat'), 'rows');
    const then = Date.now() / 1_000 - days * DAY_S;
    await utimes(join(home, name), then, then);
  };
  await left(`dr-dump-${tagOf('sets/mine')}-aaaaaa`, 0);
  await left(`dr-dump-${tagOf('sets/other')}-bbbbbb`, 0);
  await left(`dr-restore-${tagOf('sets/older')}-cccccc`, 8);
  await left('dr-dump-of-somebody', 8);
  const seen = await withScratchFolder(home, { purpose: 'dump', subject: 'sets/mine' }, async (folder) => {
    await writeFile(join(folder, 'x'), '');
    return (await readdir(home)).filter((name) => name !== basename(folder)).sort();
  });
  expect(seen).toEqual([`dr-dump-${tagOf('sets/other')}-bbbbbb`, 'dr-dump-of-somebody'].sort());
  expect((await readdir(home)).sort()).toEqual(seen);
});

import { beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { onDisk } from '../../../activities/store/failures.ts';
import { createDiskStore } from '../../../activities/store/disk.ts';
import { FileWriter } from '../../../activities/store/file-writer.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { collect, pieces, storeContract } from './contract.ts';

storeContract('a folder', async () => {
  const directory = temporaryFolder('store');
  return {
    store: createDiskStore(directory),
    tamper: async (key, bytes) => {
      const path = join(directory, key);
      await chmod(path, 0o644);
      await (bytes === undefined ? rm(path) : writeFile(path, bytes));
    },
    leftovers: async () => (await readdir(directory, { recursive: true })).filter((name) => name.includes('.part')),
    close: () => rm(directory, { recursive: true }),
  };
});

describe('the folder of an artifact store', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryFolder('store');
  });

  test('holds read-only files and no leftovers', async () => {
    const store = createDiskStore(directory);
    await store.put('folder/file', pieces(Buffer.from('x'), 1));
    expect((await stat(join(directory, 'folder/file'))).mode & 0o777).toBe(0o444);
    expect(await readdir(join(directory, 'folder'))).toEqual(['file']);
  });

  test('is made when it does not exist, and knows its free space', async () => {
    const store = createDiskStore(join(directory, 'not/yet'));
    expect(await store.freeBytes()).toBeGreaterThan(0);
  });

  test('that does not exist, or is a file, is no empty store', async () => {
    const file = join(directory, 'file');
    await writeFile(file, 'not a folder');
    for (const [place, what] of [
      [join(directory, 'gone'), 'does not exist'],
      [file, 'is no folder'],
    ] as const) {
      const refused = { code: 'STORE_UNREACHABLE', message: expect.stringContaining(`${place} ${what}`) };
      await expect(createDiskStore(place).list('sets/')).rejects.toMatchObject(refused);
      await expect(createDiskStore(place).readSmall('sets/x')).rejects.toMatchObject(refused);
    }
    expect(await createDiskStore(directory).list('sets/')).toEqual([]);
  });

  test('hides what a killed writer left half written', async () => {
    await writeFile(join(directory, '.data.0000.part'), 'half');
    expect(await createDiskStore(directory).list('')).toEqual([]);
  });

  test('says which path could not be written', async () => {
    await writeFile(join(directory, 'file'), 'not a folder');
    await expect(createDiskStore(directory).put('file/inside', pieces(Buffer.from('x'), 1))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining(join(directory, 'file')),
    });
  });

  // Not even root may write there.
  const closed = platform() === 'linux' ? test : test.skip;
  closed('that may not be written is told apart, with what to do', async () => {
    await expect(createDiskStore('/sys/kernel').put('a', pieces(Buffer.from('x'), 1))).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/E(ACCES|PERM|ROFS).*Let the user that runs this write below \/sys\/kernel/),
    });
  });

  test('loses what a writer that died left under a folder, and nothing that is whole', async () => {
    const store = createDiskStore(directory);
    await store.put('sets/a/whole', pieces(Buffer.from('x'), 1));
    await mkdir(join(directory, 'sets/a/postgres/deep'), { recursive: true });
    await writeFile(join(directory, 'sets/a/.index.tsv.0f0e.part'), 'half');
    await writeFile(join(directory, 'sets/a/postgres/deep/.toc.dat.0f0e.part'), 'half');
    await store.tidy('sets/a');
    expect(await readdir(join(directory, 'sets/a'))).toEqual(['whole']);
    await store.remove('sets/a/whole');
    await store.tidy('sets/a');
    expect(await readdir(join(directory, 'sets'))).toEqual([]);
    await store.tidy('sets/never');
  });

  test('stops reading where the reader stops', async () => {
    const store = createDiskStore(directory);
    const artifact = await store.put('big', pieces(Buffer.alloc(2_000_000), 100_000));
    for await (const piece of store.open(artifact)) {
      expect(piece.length).toBeGreaterThan(0);
      break;
    }
    expect((await collect(store.open(artifact))).length).toBe(2_000_000);
  });

  test('a disk that fills up while it is written fails the next write, and every one after it', async () => {
    const handle = await open('/dev/full', 'w');
    const writer = new FileWriter(handle);
    const writing = async (): Promise<void> => {
      for (let at = 0; at < 1_000; at += 1) await writer.write(Buffer.alloc(65_536));
      await writer.end();
    };
    await expect(writing()).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(writer.end()).rejects.toMatchObject({ code: 'ENOSPC' });
    await handle.close();
  });

  test('a full disk is told apart, with the path and what is free', async () => {
    await expect(onDisk(directory, '/dev/full', () => writeFile('/dev/full', 'x'))).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/\/dev\/full \([0-9]+ bytes free\)/),
    });
  });
});

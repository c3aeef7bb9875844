import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { temporaryFolder } from '../../support/folder.ts';
import { startVersity } from '../../support/s3.ts';
import { findVersity } from '../../support/versity.ts';
import { s3Contract } from './s3-contract.ts';

const found = findVersity();

if ('missing' in found) {
  describe('versitygw', () => {
    test.skip(`is not here: ${found.missing}`, () => undefined);
  });
} else {
  s3Contract(
    'versitygw',
    async () => {
      const folder = temporaryFolder('versity');
      const [data, versions] = [join(folder, 'data'), join(folder, 'versions')];
      for (const path of [data, versions]) mkdirSync(path);
      return startVersity(found.program, { data, versions });
    },
    { checksum: true, oneStep: false },
  );
}

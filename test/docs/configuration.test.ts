import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CONFIGURATION_PAGE, renderConfiguration } from '../../docs/generate-configuration.ts';

test('the configuration page is what the code reads; `npx node docs/generate-configuration.ts` writes it anew', () => {
  expect(readFileSync(CONFIGURATION_PAGE, 'utf8')).toBe(renderConfiguration());
});

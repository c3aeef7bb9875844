import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { appServersConfigSchema } from '../../config/app-servers.ts';

test('the settings that the runbook of the app server shows are taken as they are', () => {
  const page = readFileSync('docs/runbooks/app-server.md', 'utf8');
  const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const { appServers } = JSON.parse(shown) as { appServers: unknown };
  expect(Object.keys(appServersConfigSchema.parse(appServers).servers)).toEqual(['primary', 'backup']);
});

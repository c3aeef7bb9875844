import { describe, expect, test } from '@jest/globals';
import { qdrantCloudConfigSchema } from '../../config/qdrant-cloud.ts';

const NEEDED = {
  accountId: '3d8e2f0a-5b1c-4d6e-8f7a-9b0c1d2e3f4a',
  clusterId: '6b1f4c2d-7e8a-4b9c-a0d1-e2f3a4b5c6d7',
  apiKey: 'a-management-key',
};
const problemOf = (settings: object): string | undefined =>
  qdrantCloudConfigSchema.safeParse({ ...NEEDED, ...settings }).error?.issues[0]?.path.join('.');

describe('the settings of Qdrant Cloud', () => {
  test('are daily backups that are kept for 30 days, where nothing else is said', () => {
    expect(qdrantCloudConfigSchema.parse(NEEDED)).toMatchObject({
      url: 'https://api.cloud.qdrant.io',
      schedule: { cron: '0 3 * * *', retentionDays: 30 },
      alarmHours: 26,
    });
  });

  test.each(['0 3 * * *', '*/30 0-6 1,15 * 1-5', '@daily', '@weekly'])('take the schedule "%s"', (cron) => {
    expect(problemOf({ schedule: { cron } })).toBeUndefined();
  });

  test.each([
    ['schedule.cron', { schedule: { cron: 'every day' } }],
    ['schedule.cron', { schedule: { cron: '0 3 * *' } }],
    ['schedule.retentionDays', { schedule: { retentionDays: 366 } }],
    ['schedule.retentionDays', { schedule: { retentionDays: 0 } }],
    ['alarmHours', { alarmHours: 0 }],
    ['url', { url: 'https://somebody:secret@api.cloud.qdrant.io' }],
    ['accountId', { accountId: 'ours' }],
    ['apiKey', { apiKey: '' }],
  ])('name %s when it cannot be', (field, settings) => {
    expect(problemOf(settings)).toBe(field);
  });
});

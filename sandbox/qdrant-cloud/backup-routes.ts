import { z } from 'zod';
import type { Backups } from './backups.ts';
import type { Clusters } from './clusters.ts';
import type { Ground } from './ground.ts';
import { backupMessage, restoreMessage, scheduleMessage } from './messages.ts';
import type { Route } from './routes.ts';
import type { Schedules } from './schedules.ts';
import { CloudError } from './errors.ts';
import { DISPLAY_NAME, pageOf, pageSchema, refuseReadOnly, RETENTION } from './wire.ts';

const BACKUPS = '/api/cluster/backup/v1/accounts/:accountId';
const READ_ONLY = [
  'id',
  'createdAt',
  'name',
  'status',
  'deletedAt',
  'backupDuration',
  'backupScheduleId',
  'clusterInfo',
];
const SCHEDULE_READ_ONLY = ['id', 'createdAt', 'deletedAt', 'status'];
const SCHEDULE_FIELDS = ['schedule', 'retentionPeriod', 'displayName'] as const;

const idSchema = z.object({ id: z.uuid() });
const listSchema = pageSchema.extend({ clusterId: z.uuid().optional(), backupScheduleId: z.uuid().optional() });
const newBackupSchema = z.object({
  backup: z.object({ clusterId: z.uuid(), displayName: DISPLAY_NAME, retentionPeriod: RETENTION.nullish() }),
});
const scheduleSchema = z.object({
  clusterId: z.uuid(),
  schedule: z.string().min(1),
  displayName: DISPLAY_NAME.nullish(),
  retentionPeriod: RETENTION.nullish(),
});
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

interface Services {
  readonly ground: Ground;
  readonly backups: Backups;
  readonly schedules: Schedules;
  readonly clusters: Clusters;
}

export function backupRoutes(services: Services): Route[] {
  return [...readRoutes(services), ...writeRoutes(services), ...scheduleRoutes(services)];
}

function readRoutes({ ground: { state, accountId } }: Services): Route[] {
  return [
    {
      is: ['GET', `${BACKUPS}/backups`, 'read:backups'],
      answer: ({ query }) => {
        const { clusterId, backupScheduleId, ...page } = listSchema.parse(query);
        const wanted = state.backups.filter(
          (backup) =>
            (clusterId === undefined || backup.clusterId === clusterId) &&
            (backupScheduleId === undefined || backup.backupScheduleId === backupScheduleId),
        );
        const { items, ...rest } = pageOf(wanted, page, { clusterId, backupScheduleId });
        return { items: items.map((backup) => backupMessage(accountId, backup)), ...rest };
      },
    },
    {
      is: ['GET', `${BACKUPS}/backups/:id`, 'read:backups'],
      answer: ({ params }) => ({ backup: backupMessage(accountId, state.backup(idSchema.parse(params).id)) }),
    },
    {
      is: ['GET', `${BACKUPS}/backup_restores`, 'read:backups'],
      answer: ({ query }) => {
        const { clusterId, ...page } = listSchema.parse(query);
        const wanted = state.restores.filter((one) => clusterId === undefined || one.clusterId === clusterId);
        const { items, ...rest } = pageOf(wanted, page, { clusterId });
        return { items: items.map((restore) => restoreMessage(accountId, restore)), ...rest };
      },
    },
  ];
}

function writeRoutes({ ground: { state, accountId }, backups, clusters }: Services): Route[] {
  const message = (id: string): object => ({ backup: backupMessage(accountId, state.backup(id)) });
  return [
    {
      is: ['POST', `${BACKUPS}/backups`, 'write:backups'],
      answer: ({ body }) => {
        refuseReadOnly('create_backup', z.object({ backup: z.unknown() }).parse(body).backup, READ_ONLY);
        const { clusterId, displayName, retentionPeriod = null } = newBackupSchema.parse(body).backup;
        return message(backups.create({ clusterId, displayName, retentionPeriod }).id);
      },
    },
    {
      is: ['PATCH', `${BACKUPS}/backups/:id`, 'write:backups'],
      answer: ({ params, body }) => {
        const backup = state.backup(idSchema.parse(params).id);
        backup.displayName = z
          .object({ backup: z.object({ displayName: DISPLAY_NAME }) })
          .parse(body).backup.displayName;
        state.save();
        return message(backup.id);
      },
    },
    {
      is: ['DELETE', `${BACKUPS}/backups/:id`, 'delete:backups'],
      answer: ({ params }) => {
        backups.remove(state.backup(idSchema.parse(params).id));
        return {};
      },
    },
    {
      is: ['POST', `${BACKUPS}/backups/:id/restore`, 'restore:backups'],
      answer: ({ params }) => {
        clusters.restore(state.backup(idSchema.parse(params).id));
        return {};
      },
    },
  ];
}

function scheduleRoutes({ ground, schedules }: Services): Route[] {
  const { state, accountId } = ground;
  const message = (id: string): object => ({ backupSchedule: scheduleMessage(accountId, state.schedule(id)) });
  return [
    {
      is: ['GET', `${BACKUPS}/backup_schedules`, 'read:backup_schedules'],
      answer: ({ query }) => {
        const { clusterId, ...page } = listSchema.parse(query);
        const wanted = state.schedules.filter((one) => clusterId === undefined || one.clusterId === clusterId);
        const { items, ...rest } = pageOf(wanted, page, { clusterId });
        return { items: items.map((schedule) => scheduleMessage(accountId, schedule)), ...rest };
      },
    },
    {
      is: ['GET', `${BACKUPS}/backup_schedules/:id`, 'read:backup_schedules'],
      answer: ({ params, query }) => {
        const { clusterId } = z.object({ clusterId: z.uuid() }).parse(query);
        const schedule = state.schedule(idSchema.parse(params).id);
        if (clusterId !== schedule.clusterId)
          throw new CloudError('NOT_FOUND', `the cluster has no backup schedule ${schedule.id}`);
        return message(schedule.id);
      },
    },
    {
      is: ['POST', `${BACKUPS}/backup_schedules`, 'write:backup_schedules'],
      answer: ({ body }) => {
        const { backupSchedule } = z.object({ backupSchedule: z.unknown() }).parse(body);
        refuseReadOnly('create_backup_schedule', backupSchedule, SCHEDULE_READ_ONLY);
        const { displayName = null, retentionPeriod = null, ...rest } = scheduleSchema.parse(backupSchedule);
        return message(schedules.create({ ...rest, displayName, retentionPeriod }).id);
      },
    },
    {
      is: ['PUT', `${BACKUPS}/backup_schedules/:id`, 'write:backup_schedules'],
      answer: ({ params, body }) => {
        const schedule = state.schedule(idSchema.parse(params).id);
        schedules.update(schedule, maskedChanges(body));
        return message(schedule.id);
      },
    },
    {
      is: ['DELETE', `${BACKUPS}/backup_schedules/:id`, 'delete:backup_schedules'],
      answer: ({ params, query }) => {
        const { deleteBackups } = z.object({ deleteBackups: flag }).parse(query);
        schedules.remove(state.schedule(idSchema.parse(params).id), deleteBackups);
        return {};
      },
    },
  ];
}

/** The fields that the mask names, or all of them without one. A masked field that is not sent is cleared. */
function maskedChanges(body: unknown): object {
  const { backupSchedule, updateMask } = z
    .object({ backupSchedule: z.unknown(), updateMask: z.string().nullish() })
    .parse(body);
  const masked: readonly string[] = updateMask ? updateMask.split(',') : SCHEDULE_FIELDS;
  const unknown = masked.find((field) => !SCHEDULE_FIELDS.some((known) => known === field));
  if (unknown !== undefined) throw new CloudError('INVALID_ARGUMENT', `update_mask: ${unknown} cannot be changed`);
  const sent = scheduleSchema.partial().parse(backupSchedule);
  if (masked.includes('schedule') && sent.schedule === undefined)
    throw new CloudError('INVALID_ARGUMENT', 'backup_schedule.schedule: value is required');
  const { schedule, displayName = null, retentionPeriod = null } = sent;
  const all = { schedule, displayName, retentionPeriod };
  return Object.fromEntries(Object.entries(all).filter(([field]) => masked.includes(field)));
}

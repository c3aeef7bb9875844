import { z } from 'zod';
import { parseCron } from '../domain/cron.ts';
import type { ScheduleName, ScheduleTimes } from '../domain/schedules.ts';

const NO_CRON = 'must be a cron expression: minute hour day-of-month month day-of-week';

function times(cron: string) {
  return z.strictObject({
    cron: z
      .string()
      .refine((text) => parseCron(text) !== undefined, NO_CRON)
      .default(cron),
    timeZone: z
      .string()
      .refine(isTimeZone, 'must be the IANA name of a time zone, such as Europe/Berlin')
      .default('UTC'),
  });
}

/** When things are done by themselves, once `dr schedules apply` has told Temporal. */
export const schedulesConfigSchema = z.strictObject({
  backup: times('15 2 * * *').prefault({}),
  verification: times('15 4 * * 0').prefault({}),
}) satisfies z.ZodType<Record<ScheduleName, ScheduleTimes>>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

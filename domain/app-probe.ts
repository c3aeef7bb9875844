import { z } from 'zod';

/**
 * From where and how deep an app server is looked at, the shallowest first; `router` is what its readers meet. What deploys there is
 * another system, so what it says of the process is told and decides nothing.
 */
export const APP_DEPTHS = ['process', 'port', 'shallow', 'deep', 'question', 'router'] as const;

/**
 * What a look came to.
 * - `ok`
 * - `refused`: nobody listens; `unresolved`: the name is unknown
 * - `timeout`: no answer in time; `reset`: cut off
 * - `error`: 5xx; `degraded`: it says itself that it is not well; `wrong`: answered, but not what a sound one answers
 * - `denied`: our key is not taken; `slow`: a sound answer, much too late
 * - `untried`: nothing to look with, or pointless after what a shallower look found
 */
export const APP_FINDINGS = [
  'ok',
  'refused',
  'unresolved',
  'timeout',
  'reset',
  'error',
  'degraded',
  'wrong',
  'denied',
  'slow',
  'untried',
] as const;
export type AppFinding = (typeof APP_FINDINGS)[number];

export const appLookSchema = z.strictObject({
  depth: z.enum(APP_DEPTHS),
  finding: z.enum(APP_FINDINGS),
  /** What was answered, for people; cut, and free of secrets. */
  said: z.string().max(300),
  milliseconds: z.number().nonnegative(),
});
export type AppLook = z.infer<typeof appLookSchema>;

/** What the app stands on, asked by the worker itself: another app server would stand on the same. */
export const dependencyLookSchema = z.strictObject({
  name: z.enum(['Qdrant', 'Postgres', 'the embedding API']),
  ok: z.boolean(),
  said: z.string().max(300),
});
export type DependencyLook = z.infer<typeof dependencyLookSchema>;

/** One round of looks at one server. */
export const appProbeSchema = z.strictObject({
  at: z.iso.datetime(),
  /** Its name in `appServers.servers`. */
  server: z.string().min(1),
  looks: z.array(appLookSchema).min(1),
  dependencies: z.array(dependencyLookSchema),
});
export type AppProbe = z.infer<typeof appProbeSchema>;

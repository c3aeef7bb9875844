import { z } from 'zod';

/** From where and how deep the cluster is looked at, the shallowest first. */
export const DEPTHS = ['process', 'ready', 'key', 'collection', 'query', 'app'] as const;

/**
 * What a look came to.
 * - `ok`
 * - `refused`: nobody listens; `unresolved`: the name is unknown; `timeout`: no answer in time; `reset`: cut off
 * - `denied`: our key is not taken (401, 403)
 * - `busy`: 429, or much too slow; `unavailable`: 503
 * - `recovery-mode`: the server has started without its data, and says so
 * - `dummy-shard`: the collection is listed, and cannot be read
 * - `absent`: there is no such collection (or alias)
 * - `full`: the disk or a quota is
 * - `wrong`: answered, but not what a sound one answers
 * - `untried`: nothing to look with (no app configured), or pointless after what a shallower look found
 */
export const FINDINGS = [
  'ok',
  'refused',
  'unresolved',
  'timeout',
  'reset',
  'denied',
  'busy',
  'unavailable',
  'recovery-mode',
  'dummy-shard',
  'absent',
  'full',
  'wrong',
  'untried',
] as const;

export const lookSchema = z.strictObject({
  depth: z.enum(DEPTHS),
  finding: z.enum(FINDINGS),
  /** What was answered, for people; cut, and free of secrets. */
  said: z.string().max(300),
  milliseconds: z.number().nonnegative(),
});
export type Look = z.infer<typeof lookSchema>;

/** One round of looks. */
export const clusterProbeSchema = z.strictObject({
  at: z.iso.datetime(),
  looks: z.array(lookSchema).min(1),
  /** What Qdrant Cloud says of the cluster, where it is one of its: `PHASE` and reason. */
  cloud: z.strictObject({ phase: z.string(), reason: z.string().optional() }).optional(),
  /** Version that the server tells, where it answers. */
  version: z.string().optional(),
});
export type ClusterProbe = z.infer<typeof clusterProbeSchema>;

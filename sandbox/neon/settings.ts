import { z } from 'zod';

/** What a plan of Neon's allows in one project (its documentation of 2026). */
const PLANS = {
  free: { branches: 10, rootBranches: 3, snapshots: 1, protectedBranches: 0, historySeconds: 21_600 },
  launch: { branches: 5_000, rootBranches: 5, snapshots: 100, protectedBranches: 2, historySeconds: 604_800 },
  scale: { branches: 5_000, rootBranches: 25, snapshots: 100, protectedBranches: 5, historySeconds: 2_592_000 },
} as const;

const port = z.int().min(0).max(65_535);
const count = z.int().nonnegative();

const limitsSchema = z.strictObject({
  branches: count,
  rootBranches: count,
  snapshots: count,
  protectedBranches: count,
  historySeconds: count,
});
export type Limits = z.infer<typeof limitsSchema>;

/** What the stand-in is started with. Everything but folder, programs and key has a default. */
export const neonSettingsSchema = z.strictObject({
  /** Holds state and data; kept over restarts. */
  directory: z.string().min(1),
  /** Folder of Postgres's programs. */
  binDir: z.string().min(1),
  apiKey: z.string().min(1),
  /** Of the API; 0 for any free one. */
  port: port.default(0),
  /** Of the fault switches; without it there are none. */
  faultPort: port.optional(),
  projectId: z
    .string()
    .regex(/^[a-z0-9-]{1,60}$/)
    .default('sandbox-project-00000000'),
  /** Port of the root branch's endpoint; any free one when it is not given. Kept over restarts. */
  endpointPort: port.optional(),
  role: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .default('neondb_owner'),
  /** First password of the role; a random one when it is not given. */
  rolePassword: z.string().min(1).optional(),
  database: z
    .string()
    .regex(/^[a-z_][a-z0-9_]*$/)
    .default('neondb'),
  plan: z.enum(['free', 'launch', 'scale']).default('launch'),
  /** Other limits than the plan's, for tests. */
  limits: limitsSchema.partial().default({}),
  historyRetentionSeconds: count.max(2_592_000).default(86_400),
  /** How long an operation is shown as waiting, and again as running, beside the time that its work takes. */
  operationDelayMs: count.default(50),
  /** Idle time after which the first endpoint is suspended; -1 for never. */
  suspendTimeoutSeconds: z.int().min(-1).max(604_800).default(300),
  /** How long a time travel compute lives after its last query. */
  timeTravelSeconds: z.number().positive().default(30),
  /** Neon documents restores to a moment for root branches only; it used to allow them for all. */
  restoreChildren: z.boolean().default(false),
});
export type NeonOptions = z.input<typeof neonSettingsSchema>;
export type NeonSettings = z.infer<typeof neonSettingsSchema>;

export function limitsOf({ plan, limits }: NeonSettings): Limits {
  const own = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return { ...PLANS[plan], ...own };
}

import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { Secret } from '../../config/secret.ts';

const secret = z
  .string()
  .min(1)
  .transform((value) => new Secret(value));
/** Endpoints pass bytes on, so what is behind them has to speak plain HTTP. */
const serverUrl = z.url({ protocol: /^http$/, error: 'must be an http:// URL' });
const port = z.int().min(0).max(65_535);
const delay = z.int().min(0).default(500);

/** The stand-in's settings: one JSON file, or the argument of `startQdrantCloud`. */
export const cloudOptionsSchema = z.strictObject({
  port: port.default(0),
  /** Where the fault switches listen. */
  faultPort: port.default(0),
  host: z.string().min(1).default('127.0.0.1'),
  /** Folder of everything that is kept: state, backups, the data of clusters that it starts. */
  data: z.string().min(1),
  accountId: z.uuid(),
  /** Management keys. One without `permissions` may do everything. */
  keys: z.array(z.strictObject({ key: secret, permissions: z.array(z.string()).optional() })).min(1),
  /** Clusters that exist from the beginning, each bound to a real Qdrant server. `port` is where its endpoint listens. */
  clusters: z
    .array(
      z.strictObject({
        id: z.uuid(),
        name: z.string().regex(/^[A-Za-z0-9_-]{4,64}$/),
        url: serverUrl,
        apiKey: secret.optional(),
        port: port.optional(),
      }),
    )
    .default([]),
  /** Servers for new clusters. They are emptied when a cluster takes or leaves them. */
  pool: z
    .array(z.strictObject({ url: serverUrl, apiKey: secret.optional(), readOnlyApiKey: secret.optional() }))
    .default([]),
  /** How to start a server for a new cluster when the pool has none left. */
  fronts: z
    .strictObject({
      python: z.string().min(1),
      script: z
        .string()
        .min(1)
        .default(() => fileURLToPath(new URL('../qdrant/server.py', import.meta.url))),
      env: z.record(z.string(), z.string()).default({}),
      apiKey: secret.optional(),
      readOnlyApiKey: secret.optional(),
    })
    .optional(),
  /** The least that each piece of work takes, in milliseconds; real copying comes on top where it takes longer. */
  delays: z
    .strictObject({
      createMs: delay,
      updateMs: delay,
      restartMs: delay,
      suspendMs: delay,
      resumeMs: delay,
      deleteMs: delay,
      backupMs: delay,
      restoreMs: delay,
    })
    .prefault({}),
});
export type CloudOptions = z.input<typeof cloudOptionsSchema>;
export type CloudSettings = z.infer<typeof cloudOptionsSchema>;

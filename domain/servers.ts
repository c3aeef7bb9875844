import { z } from 'zod';

/**
 * A Qdrant server that the vectors may live on, by reference: neither its key nor an address with credentials.
 * - `primary`: the one of the settings (`qdrant.url`)
 * - `standby`: the other one of the settings (`qdrantReplacement.standby.url`)
 * - `cloud`: a cluster of Qdrant Cloud that a run has made; its key is in `qdrantReplacement.cloud.keyFile`
 */
export const serverRefSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('primary') }),
  z.strictObject({ kind: z.literal('standby') }),
  z.strictObject({ kind: z.literal('cloud'), clusterId: z.uuid(), url: z.url({ protocol: /^https?$/ }) }),
]);
export type ServerRef = z.infer<typeof serverRefSchema>;

export const PRIMARY: ServerRef = { kind: 'primary' };

/**
 * Which server is the live one. Records of this are only ever added, numbered from 1; the highest number counts. A
 * server that comes back after it was replaced is thereby never taken for the live one again.
 */
export const livePlaceSchema = z.strictObject({
  version: z.literal(1),
  epoch: z.int().positive(),
  server: serverRefSchema,
  since: z.iso.datetime(),
  /** Workflow and run that decided it. */
  workflowId: z.string().min(1),
  runId: z.string().min(1),
});
export type LivePlace = z.infer<typeof livePlaceSchema>;

/** What counts before anybody has recorded anything. */
export const FIRST_PLACE = { epoch: 0, server: PRIMARY } as const satisfies Pick<LivePlace, 'epoch' | 'server'>;

export function sameServer(a: ServerRef, b: ServerRef): boolean {
  if (a.kind === 'cloud' && b.kind === 'cloud') return a.clusterId === b.clusterId;
  return a.kind === b.kind;
}

export function describeServer(server: ServerRef): string {
  if (server.kind === 'cloud') return `the Qdrant Cloud cluster ${server.clusterId}`;
  return server.kind === 'primary' ? 'the primary server' : 'the standby';
}

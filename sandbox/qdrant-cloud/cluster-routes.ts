import { z } from 'zod';
import type { Clusters } from './clusters.ts';
import { CloudError } from './errors.ts';
import type { Ground } from './ground.ts';
import { clusterMessage } from './messages.ts';
import { configurationSchema } from './model.ts';
import { RELEASES } from './releases.ts';
import type { Route } from './routes.ts';
import { DISPLAY_NAME, pageOf, pageSchema, refuseReadOnly } from './wire.ts';

const CLUSTERS = '/api/cluster/v1/accounts/:accountId';
const READ_ONLY = ['id', 'createdAt', 'deletedAt', 'state'];
const idSchema = z.object({ id: z.uuid() });

const clusterSchema = z.object({
  name: z.string().regex(/^[A-Za-z0-9_-]{2,64}$/, 'value must be 2 to 64 letters, digits, dashes and underscores'),
  cloudProviderId: z.string().min(3),
  cloudProviderRegionId: z.string().min(1),
  labels: z.array(z.unknown()).default([]),
  configuration: configurationSchema,
});

export function clusterRoutes(ground: Ground, clusters: Clusters): Route[] {
  return [...readRoutes(ground), ...makeRoutes(ground, clusters), ...changeRoutes(ground, clusters)];
}

async function answerOf(ground: Ground, id: string): Promise<object> {
  return { cluster: await clusterMessage(ground, ground.state.cluster(id)) };
}

function readRoutes(ground: Ground): Route[] {
  const { state } = ground;
  return [
    {
      is: ['GET', `${CLUSTERS}/clusters`, 'read:clusters'],
      answer: async ({ query }) => {
        const filters = z.object({
          cloudProviderId: z.string().optional(),
          cloudProviderRegionId: z.string().optional(),
        });
        const { cloudProviderId, cloudProviderRegionId } = filters.parse(query);
        const wanted = state.clusters.filter(
          (cluster) =>
            (cloudProviderId ?? cluster.cloudProviderId) === cluster.cloudProviderId &&
            (cloudProviderRegionId ?? cluster.cloudProviderRegionId) === cluster.cloudProviderRegionId,
        );
        const { items, ...rest } = pageOf(wanted, pageSchema.parse(query), { cloudProviderId, cloudProviderRegionId });
        return { items: await Promise.all(items.map((cluster) => clusterMessage(ground, cluster))), ...rest };
      },
    },
    {
      is: ['GET', `${CLUSTERS}/clusters/:id`, 'read:clusters'],
      answer: ({ params }) => answerOf(ground, idSchema.parse(params).id),
    },
    {
      // Its path would be taken for a cluster's.
      is: ['GET', `${CLUSTERS}/clusters/suggest-name`],
      answer: () => {
        throw new CloudError('UNIMPLEMENTED', 'the stand-in suggests no names');
      },
    },
    { is: ['GET', `${CLUSTERS}/releases`, 'read:clusters'], answer: () => ({ items: RELEASES }) },
  ];
}

function makeRoutes(ground: Ground, clusters: Clusters): Route[] {
  return [
    {
      is: ['POST', `${CLUSTERS}/clusters`, 'write:clusters'],
      answer: async ({ body }) => {
        const { cluster } = z.object({ cluster: z.unknown() }).parse(body);
        refuseReadOnly('create_cluster', cluster, READ_ONLY);
        return answerOf(ground, (await clusters.create(clusterSchema.parse(cluster))).id);
      },
    },
    {
      is: ['POST', `${CLUSTERS}/backups/:id/clusters`, 'restore:backups', 'write:clusters'],
      // The route has no body: the name comes in the query, and is not looked for elsewhere.
      answer: async ({ params, query }) => {
        const backup = ground.state.backup(idSchema.parse(params).id);
        const { clusterName } = z.object({ clusterName: DISPLAY_NAME }).parse(query);
        return answerOf(ground, (await clusters.createFromBackup(backup, clusterName)).id);
      },
    },
  ];
}

function changeRoutes(ground: Ground, clusters: Clusters): Route[] {
  const { state } = ground;
  return [
    {
      is: ['PUT', `${CLUSTERS}/clusters/:id`, 'write:clusters'],
      answer: ({ params, body }) => {
        const cluster = state.cluster(idSchema.parse(params).id);
        const changed = clusterSchema.parse(z.object({ cluster: z.unknown() }).parse(body).cluster);
        for (const field of ['cloudProviderId', 'cloudProviderRegionId'] as const)
          if (changed[field] !== cluster[field])
            throw new CloudError('INVALID_ARGUMENT', `cluster.${field} cannot be changed`);
        return answerOf(ground, clusters.update(cluster, changed).id);
      },
    },
    {
      is: ['DELETE', `${CLUSTERS}/clusters/:id`, 'delete:clusters'],
      answer: ({ params, query }) => {
        const { deleteBackups } = z.object({ deleteBackups: z.enum(['true', 'false']).optional() }).parse(query);
        clusters.remove(state.cluster(idSchema.parse(params).id), deleteBackups === 'true');
        return {};
      },
    },
    ...(['restart', 'suspend', 'unsuspend'] as const).map((action): Route => ({
      is: ['POST', `${CLUSTERS}/clusters/:id/${action}`, 'write:clusters'],
      answer: ({ params }) => {
        clusters[action](state.cluster(idSchema.parse(params).id));
        return {};
      },
    })),
  ];
}

import type { DiscoveryActivities } from '../activities/discovery-contract.ts';
import type { Config } from '../config/schema.ts';
import { discoveryOf } from '../domain/discovery.ts';
import { lookAtStack, nodeMajor } from './look.ts';

/** Looks at what is configured, as `npm run discover` does at what variables name. */
export function composeDiscovery(config: Config): DiscoveryActivities {
  const { qdrant, postgres, app, appServers, embeddings, configuration } = config;
  return {
    discoverStack: async ({ hazardsOnly }) => {
      const sight = {
        qdrant,
        collection: qdrant.collection,
        postgresUrl: hazardsOnly ? undefined : postgres?.url,
        appUrl: app?.baseUrl,
        healthPath: app?.health.path,
        files: configuration?.files,
      };
      const look = await lookAtStack(sight);
      const around = {
        ...sight,
        qdrantUrl: qdrant.url,
        embeddingModel: embeddings.identity.model,
        nodeMajor: nodeMajor(),
        traffic: appServers?.traffic.frontendConfig !== undefined,
        declared: look.declared,
      };
      return discoveryOf(look, around, hazardsOnly);
    },
  };
}

import { withFailures } from '../../../activities/fail.ts';
import type { CollectionActivities } from '../../../activities/cluster-contract.ts';
import { createCollectionActivities } from '../../../activities/qdrant/cluster.ts';
import type { Patience } from '../../../activities/qdrant/tools.ts';
import type { RecoverySet } from '../../../domain/recovery-set.ts';
import { activityEnvironment, EMBEDDING, setStage, type Stage } from './stage.ts';

export type Shape = RecoverySet['qdrant']['shape'];
export const OWNER = 'recover/1';

/** A server with the activities that make and fill collections on it. */
export interface CollectionStage extends Stage {
  collections(overrides?: {
    config?: object;
    nodes?: readonly object[];
    patience?: Partial<Patience>;
    recallFloor?: number;
  }): CollectionActivities;
  /** Runs one of them in an activity context of its own. */
  make<R>(use: (act: CollectionActivities) => Promise<R>): Promise<R>;
  names(): Promise<string[]>;
  shapeOf(collection: string): Promise<Shape>;
  metadata(collection: string): Promise<Record<string, unknown>>;
  aliases(): Promise<Record<string, string>>;
}

export async function setCollectionStage(): Promise<CollectionStage> {
  const stage = await setStage();
  const { qdrant, store } = stage;
  const collections: CollectionStage['collections'] = ({ config, nodes, patience, recallFloor = 0.9 } = {}) =>
    withFailures(
      createCollectionActivities({
        config: qdrant.config(config),
        nodes: nodes?.map((node) => qdrant.config(node)),
        store,
        embedding: EMBEDDING,
        recallFloor,
        patience: { lookMs: 20_000, pollMs: 20, ...patience },
      }),
    );
  const act = collections();
  return {
    ...stage,
    collections,
    make: (use) => activityEnvironment().run(() => use(act)),
    names: async () => {
      const found = await qdrant.call<{ collections: { name: string }[] }>('GET', '/collections');
      return found.collections.map(({ name }) => name).sort();
    },
    shapeOf: async (collection) =>
      (await stage.run((activities) => activities.describeCollection({ collection }))).shape,
    metadata: async (collection) => {
      const info = await qdrant.call<{ config: { metadata?: Record<string, unknown> } }>(
        'GET',
        `/collections/${collection}`,
      );
      return info.config.metadata ?? {};
    },
    aliases: async () => {
      const found = await qdrant.call<{ aliases: { alias_name: string; collection_name: string }[] }>(
        'GET',
        '/aliases',
      );
      return Object.fromEntries(found.aliases.map((one) => [one.alias_name, one.collection_name]));
    },
  };
}

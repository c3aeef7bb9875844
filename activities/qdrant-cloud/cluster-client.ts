import {
  type Cluster,
  clusterAnswerSchema,
  clusterListSchema,
  type DatabaseKey,
  databaseKeyListSchema,
  newDatabaseKeySchema,
} from './answers.ts';
import { QdrantCloudClient } from './client.ts';

/** Making and deleting clusters and keys of their databases: ClusterService and DatabaseApiKeyService. */
export class ClusterClient extends QdrantCloudClient {
  /** The same client, whose calls end when `signal` does. */
  override until(signal: AbortSignal): ClusterClient {
    return new ClusterClient(this.config, this.deadlineMs, signal);
  }

  /** The clusters of the account that are not being deleted. */
  async listClusters(): Promise<Cluster[]> {
    const call = { what: 'list clusters', service: 'cluster', method: 'GET', path: '/clusters' } as const;
    const all = await this.pages({ ...call, answer: clusterListSchema }, 'pages of clusters');
    return all.filter(({ deletedAt }) => !deletedAt);
  }

  /** An empty cluster, like another one but for its name. */
  async createCluster(name: string, like: Cluster): Promise<Cluster> {
    const { cloudProviderId, cloudProviderRegionId, configuration } = like;
    const cluster = { accountId: this.config.accountId, name, cloudProviderId, cloudProviderRegionId, configuration };
    const call = { what: `create the cluster ${name}`, service: 'cluster', method: 'POST', path: '/clusters' } as const;
    return (await this.call({ ...call, json: { cluster }, answer: clusterAnswerSchema, idempotent: false })).cluster;
  }

  /** A cluster that holds what a backup holds. The route has no body: the name travels in the query. */
  async createClusterFromBackup(clusterName: string, backupId: string): Promise<Cluster> {
    const path = `/backups/${backupId}/clusters`;
    const call = { what: `create the cluster ${clusterName}`, service: 'cluster', method: 'POST', path } as const;
    const query = { clusterName };
    return (await this.call({ ...call, query, answer: clusterAnswerSchema, idempotent: false })).cluster;
  }

  /** Absent is fine. Its backups stay. */
  async deleteCluster(id: string): Promise<void> {
    await this.remove({ what: `delete the cluster ${id}`, service: 'cluster', path: `/clusters/${id}` });
  }

  async listDatabaseKeys(clusterId: string): Promise<DatabaseKey[]> {
    const call = { what: 'list database keys', service: 'keys', method: 'GET', path: '/database-api-keys' } as const;
    const { items } = await this.call({ ...call, query: { clusterId }, answer: databaseKeyListSchema });
    return items.filter((key) => key.clusterId === clusterId);
  }

  /** The key itself is told once, here. `reads`: it may only read. */
  async createDatabaseKey(clusterId: string, name: string, reads: boolean): Promise<DatabaseKey & { key: string }> {
    const accessType = `GLOBAL_ACCESS_RULE_ACCESS_TYPE_${reads ? 'READ_ONLY' : 'MANAGE'}`;
    const { accountId } = this.config;
    const databaseApiKey = { accountId, clusterId, name, accessRules: [{ globalAccess: { accessType } }] };
    const answer = await this.call({
      what: `create the database key ${name}`,
      service: 'keys',
      method: 'POST',
      path: '/database-api-keys',
      json: { databaseApiKey },
      answer: newDatabaseKeySchema,
      idempotent: false,
    });
    return answer.databaseApiKey;
  }

  /** Absent is fine. */
  async deleteDatabaseKey({ id, clusterId }: DatabaseKey): Promise<void> {
    const path = `/database-api-keys/${id}`;
    await this.remove({ what: `delete the database key ${id}`, service: 'keys', path, query: { clusterId } });
  }
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Secret } from '../../config/secret.ts';
import { empty } from './copies.ts';
import { Front } from './front.ts';
import { freePort, Gateway } from './gateway.ts';
import { rightOf } from './key-routes.ts';
import type { ClusterRecord, Place } from './model.ts';
import type { CloudSettings } from './options.ts';
import { QdrantServer } from './qdrant-server.ts';
import type { CloudState } from './state.ts';

/** The servers behind clusters, and the endpoints before them. */
export class Places {
  readonly #settings: CloudSettings;
  readonly #state: CloudState;
  readonly #fronts = new Map<string, Front>();
  readonly #gateways = new Map<string, Gateway>();

  constructor(settings: CloudSettings, state: CloudState) {
    this.#settings = settings;
    this.#state = state;
  }

  /** Finds a server for a new cluster: one of the pool that no cluster has, else one to start. */
  async assign(): Promise<Place> {
    const taken = new Set(this.#state.clusters.flatMap(({ place }) => (place && 'url' in place ? [place.url] : [])));
    const free = this.#settings.pool.find(({ url }) => !taken.has(url));
    if (free) return { kind: 'pool', url: free.url };
    if (this.#settings.fronts) return { kind: 'front', port: await freePort() };
    throw new Error('no capacity: the pool has no server left, and none can be started');
  }

  /** The server of a cluster, started where it is ours to start. */
  async start(cluster: ClusterRecord): Promise<QdrantServer> {
    const { fronts } = this.#settings;
    if (cluster.place?.kind === 'front' && fronts && !this.#fronts.has(cluster.id))
      this.#fronts.set(cluster.id, await Front.start(fronts, this.#folder(cluster), cluster.place.port));
    return this.server(cluster);
  }

  server({ id, name, place }: ClusterRecord): QdrantServer {
    if (!place) throw new Error(`cluster ${name} has no server yet`);
    return new QdrantServer(urlOf(place), this.#keyOf(id, place)?.reveal());
  }

  async openEndpoint(cluster: ClusterRecord): Promise<void> {
    const { id, port, place } = cluster;
    if (!place) return;
    const translate = (key: string): string => this.#serverKey(id, place, key) ?? key;
    const gateway = this.#gateways.get(id) ?? new Gateway(port, new URL(urlOf(place)), translate);
    this.#gateways.set(id, gateway);
    await gateway.open();
  }

  async closeEndpoint({ id }: ClusterRecord): Promise<void> {
    await this.#gateways.get(id)?.close();
  }

  /** Gives a cluster's server up: one that was given stays as it is, one of the pool is emptied, one of ours goes. */
  async release(cluster: ClusterRecord): Promise<void> {
    await this.closeEndpoint(cluster);
    this.#gateways.delete(cluster.id);
    if (cluster.place?.kind === 'pool') await empty(this.server(cluster));
    if (cluster.place?.kind !== 'front') return;
    await this.#fronts.get(cluster.id)?.stop();
    this.#fronts.delete(cluster.id);
    await rm(this.#folder(cluster), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#gateways.values()].map((gateway) => gateway.close()));
    await Promise.all([...this.#fronts.values()].map((front) => front.stop()));
  }

  #folder({ id }: ClusterRecord): string {
    return join(this.#state.folder, 'clusters', id);
  }

  /** The server's own key that a database key of the cluster stands for. */
  #serverKey(id: string, place: Place, key: string): string | undefined {
    const right = rightOf({ state: this.#state }, id, key);
    if (right === undefined) return undefined;
    return (right === 'manage' ? this.#keyOf(id, place) : this.#readingKeyOf(place))?.reveal();
  }

  #readingKeyOf(place: Place): Secret | undefined {
    if (place.kind === 'front') return this.#settings.fronts?.readOnlyApiKey;
    return this.#settings.pool.find(({ url }) => place.url === url)?.readOnlyApiKey;
  }

  #keyOf(id: string, place: Place): Secret | undefined {
    if (place.kind === 'front') return this.#settings.fronts?.apiKey;
    if (place.kind === 'given') return this.#settings.clusters.find((given) => given.id === id)?.apiKey;
    return this.#settings.pool.find(({ url }) => url === place.url)?.apiKey;
  }
}

function urlOf(place: Place): string {
  return place.kind === 'front' ? `http://127.0.0.1:${place.port}` : place.url;
}

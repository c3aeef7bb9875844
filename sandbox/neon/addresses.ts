import { EndpointType } from '@neondatabase/api-client';
import { wakeEndpoint } from './endpoints.ts';
import { findMoment } from './moments.ts';
import { now } from './ids.ts';
import { type Addresses, endpointOf, type Plane, readyBranchOf } from './plane.ts';
import { freePort } from './ports.ts';
import { Proxy, type Route } from './proxy.ts';
import type { EndpointRecord } from './state.ts';
import type { ProxyOptions } from './wire.ts';

/** The addresses of all endpoints: one port each, for as long as the endpoint lives. */
export class EndpointAddresses implements Addresses {
  readonly #plane: () => Plane;
  readonly #proxies = new Map<string, Proxy>();

  constructor(plane: () => Plane) {
    this.#plane = plane;
  }

  newPort(): Promise<number> {
    return freePort(new Set(Object.values(this.#plane().state.endpoints).map(({ port }) => port)));
  }

  async open({ id, port }: EndpointRecord): Promise<void> {
    if (this.#proxies.has(id)) return;
    const proxy = new Proxy((options) => this.#route(id, options));
    this.#proxies.set(id, proxy);
    await proxy.listen(port);
  }

  async close({ id }: EndpointRecord): Promise<void> {
    const proxy = this.#proxies.get(id);
    this.#proxies.delete(id);
    await proxy?.close();
  }

  hangUp({ id }: EndpointRecord): void {
    this.#proxies.get(id)?.hangUp();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy.close()));
    this.#proxies.clear();
  }

  /**
   * A branch is named by `endpoint=br-…`, where Neon takes it from the host name. At the address of an endpoint Neon
   * ignores a moment and shows the present; so does this.
   */
  async #route(id: string, options: ProxyOptions): Promise<Route> {
    const plane = this.#plane();
    if (options.endpoint?.startsWith('br-')) return travel(plane, options.endpoint, options);
    if (options.endpoint !== undefined && options.endpoint !== id) {
      throw new Error(`this is the address of endpoint ${id}, not of ${options.endpoint}`);
    }
    const cluster = await wakeEndpoint(plane, id);
    const endpoint = endpointOf(plane, id);
    const touch = (): void => void (endpoint.lastActive = now());
    touch();
    return { port: cluster.port, travels: false, readOnly: endpoint.type === EndpointType.ReadOnly, touch };
  }
}

async function travel(plane: Plane, branchId: string, { timestamp, lsn }: ProxyOptions): Promise<Route> {
  const branch = readyBranchOf(plane, branchId);
  const { cluster, touch } = await plane.timeTravel.open(branch, await findMoment(plane, branch, { timestamp, lsn }));
  return { port: cluster.port, travels: true, readOnly: false, touch };
}

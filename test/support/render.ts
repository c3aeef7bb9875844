import { type ApiAnswer, type ApiRequest, startApi, type VendorApi } from './vendor-api.ts';

export const RENDER_TOKEN = 'rnd_token-that-nobody-may-see';
export const SERVICE = 'srv-app1';

/** As `deploy` of Render's own description of its API; so are the others. */
export interface RenderDeploy {
  readonly id: string;
  readonly commit: { readonly id: string; readonly message: string } | undefined;
  readonly image: { readonly ref: string; readonly sha: string } | undefined;
  status: 'queued' | 'build_in_progress' | 'update_in_progress' | 'live' | 'deactivated' | 'build_failed' | 'canceled';
  readonly trigger: 'api' | 'service_resumed' | 'new_commit';
  readonly createdAt: string;
}

interface Served {
  readonly release: string;
  readonly variables: ReadonlyMap<string, string>;
}

/** One service of Render: builds, goes live, takes the place of what was live before. */
export class RenderService {
  readonly deploys: RenderDeploy[] = [];
  readonly variables = new Map<string, string>();
  /** Commits that do not build, or never end. */
  readonly bad = new Set<string>();
  readonly stuck = new Set<string>();
  buildMs = 40;
  /** A deploy is put into the queue, without telling its id. */
  queues = false;
  suspended = false;
  logs: string[] = [];
  #live: Served | undefined;

  get served(): Served | undefined {
    return this.suspended ? undefined : this.#live;
  }

  begin(release: string, trigger: RenderDeploy['trigger']): RenderDeploy {
    const [ref, sha] = release.split('@');
    const deploy: RenderDeploy = {
      id: `dep-${this.deploys.length + 1}`,
      commit: sha === undefined ? { id: release, message: 'a commit' } : undefined,
      image: sha === undefined ? undefined : { ref: `${ref}@${sha}`, sha },
      status: 'build_in_progress',
      trigger,
      createdAt: new Date().toISOString(),
    };
    this.deploys.unshift(deploy);
    const variables = new Map(this.variables);
    if (!this.stuck.has(release)) setTimeout(() => this.#built(deploy, release, variables), this.buildMs);
    return deploy;
  }

  #built(deploy: RenderDeploy, release: string, variables: ReadonlyMap<string, string>): void {
    if (deploy.status !== 'build_in_progress') return;
    this.logs.push(`connecting to ${variables.get('DATABASE_URL') ?? ''}`);
    if (this.bad.has(release)) {
      this.logs.push(`cannot open the database with ${variables.get('SECRET_TOKEN') ?? ''}`);
      deploy.status = 'build_failed';
      return;
    }
    // One that was begun later has gone live already: it is not taken back.
    const later = this.deploys.slice(0, this.deploys.indexOf(deploy)).some(({ status }) => status === 'live');
    deploy.status = later ? 'deactivated' : 'live';
    if (later) return;
    for (const one of this.deploys) if (one !== deploy && one.status === 'live') one.status = 'deactivated';
    this.#live = { release, variables };
  }

  resume(): void {
    this.suspended = false;
    if (this.#live) this.begin(this.#live.release, 'service_resumed');
  }
}

export interface RenderStandIn extends VendorApi {
  readonly service: RenderService;
}

export async function startRender(): Promise<RenderStandIn> {
  const service = new RenderService();
  return { ...(await startApi((request) => answer(service, request))), service };
}

const BASE = `/services/${SERVICE}`;

function answer(service: RenderService, { method, path, query, headers, body }: ApiRequest): ApiAnswer {
  if (headers['authorization'] !== `Bearer ${RENDER_TOKEN}`) return failed(401, 'Unauthorized');
  const what = `${method} ${path}`;
  const variable = new RegExp(`^PUT ${BASE}/env-vars/(\\w+)$`).exec(what)?.[1];
  if (variable !== undefined) {
    const { value } = body as { value: string };
    service.variables.set(variable, value);
    return { status: 200, body: { key: variable, value } };
  }
  const deploy = service.deploys.find(({ id }) => what === `GET ${BASE}/deploys/${id}`);
  if (deploy) return { status: 200, body: deploy };
  switch (what) {
    case `GET ${BASE}`: {
      const suspended = service.suspended ? 'suspended' : 'not_suspended';
      return { status: 200, body: { id: SERVICE, ownerId: 'tea-1', suspended, type: 'web_service' } };
    }
    case `GET ${BASE}/deploys`: {
      const listed = service.deploys.map((one) => ({ deploy: one, cursor: one.id }));
      return { status: 200, body: listed.slice(0, Number(query.get('limit') ?? 20)) };
    }
    case `POST ${BASE}/deploys`:
      return posted(service, body as { commitId?: string; imageUrl?: string });
    case `GET ${BASE}/env-vars`: {
      const all = [...service.variables].map(([key, value]) => ({ envVar: { key, value }, cursor: key }));
      const from = all.findIndex(({ cursor }) => cursor === query.get('cursor')) + 1;
      return { status: 200, body: all.slice(from, from + Number(query.get('limit') ?? 20)) };
    }
    case `POST ${BASE}/suspend`:
      if (service.suspended) return failed(400, 'service is already suspended');
      service.suspended = true;
      return { status: 202 };
    case `POST ${BASE}/resume`:
      service.resume();
      return { status: 202 };
    case 'GET /logs':
      return { status: 200, body: { hasMore: false, logs: service.logs.map((message) => ({ message })).reverse() } };
    default:
      return failed(404, 'not found');
  }
}

function posted(service: RenderService, { commitId, imageUrl }: { commitId?: string; imageUrl?: string }): ApiAnswer {
  const release = commitId ?? imageUrl;
  if (release === undefined) return failed(400, 'neither a commit nor an image');
  if (service.suspended) return failed(400, 'cannot deploy a suspended service');
  const made = service.begin(release, 'api');
  return service.queues ? { status: 202 } : { status: 201, body: made };
}

function failed(status: number, message: string): ApiAnswer {
  return { status, body: { id: 'req-1', message } };
}

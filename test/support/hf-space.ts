import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { type ApiAnswer, type ApiRequest, startApi, type VendorApi } from './vendor-api.ts';

export const HF_TOKEN = 'hf_tokenThatNobodyMaySee0123456789';
export const SPACE = 'people/book';

const API = `/api/spaces/${SPACE}`;
const IDENTITY = ['-c', 'user.name=People', '-c', 'user.email=people@book.example'];

function git(folder: string, ...args: string[]): string {
  return execFileSync('git', [...IDENTITY, '-C', folder, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** The people's own repository: a commit of each kind, at its root and in the folder `backend`. */
export function makeReleases<Kind extends string>(
  kinds: readonly Kind[],
): { folder: string; commits: Record<Kind, string> } {
  const folder = temporaryFolder('repository');
  git(folder, 'init', '--quiet', '--initial-branch', 'main');
  mkdirSync(join(folder, 'backend'));
  const commits = kinds.map((kind) => {
    for (const place of ['.', 'backend']) writeFileSync(join(folder, place, 'kind'), kind);
    git(folder, 'add', '.');
    git(folder, 'commit', '--quiet', '--message', `A ${kind} one`);
    return [kind, git(folder, 'rev-parse', 'HEAD')];
  });
  return { folder, commits: Object.fromEntries(commits) as Record<Kind, string> };
}

/** A Space: what is pushed is built and started; secrets and variables that change restart it. */
export class SpaceStandIn {
  readonly repository = join(temporaryFolder('space'), 'spaces', `${SPACE}.git`);
  readonly variables = new Map<string, string>();
  readonly secrets = new Map<string, string>();
  buildMs = 40;
  stage = 'NO_APP_FILE';
  sha: string | undefined;
  errorMessage: string | undefined;
  /** Whether the runtime tells the commit. */
  tellsSha = true;
  /** So many answers still tell what was before. */
  stale = 0;
  logs: string[] = [];
  /** The answer to the next push is lost. */
  losesPush = false;
  #old: object = {};
  #served: { kind: string; environment: ReadonlyMap<string, string> } | undefined;
  #turn = 0;

  constructor() {
    mkdirSync(this.repository, { recursive: true });
    git(this.repository, 'init', '--quiet', '--bare', '--initial-branch', 'main');
    git(this.repository, 'config', 'http.receivepack', 'true');
  }

  get head(): string | undefined {
    const refs = git(this.repository, 'for-each-ref', '--format=%(objectname)', 'refs/heads/main');
    return refs === '' ? undefined : refs;
  }

  get served(): { kind: string; environment: ReadonlyMap<string, string> } | undefined {
    return this.stage.startsWith('RUNNING') ? this.#served : undefined;
  }

  get runtime(): object {
    if (this.stale > 0) {
      this.stale -= 1;
      return this.#old;
    }
    const { stage, sha, errorMessage } = this;
    return {
      stage,
      hardware: { current: 'cpu-basic', requested: 'cpu-basic' },
      ...(this.tellsSha ? { sha } : {}),
      errorMessage,
    };
  }

  pushed(before: string | undefined): void {
    if (this.head !== before && this.stage !== 'PAUSED') this.#begin('BUILDING');
  }

  changed(): void {
    if (this.stage.startsWith('RUNNING')) this.#begin('APP_STARTING');
  }

  restart(): void {
    this.#begin(this.head === this.sha ? 'APP_STARTING' : 'BUILDING');
  }

  pause(): void {
    this.#turn += 1;
    this.stage = 'PAUSED';
  }

  #begin(stage: 'BUILDING' | 'APP_STARTING'): void {
    const head = this.head;
    if (head === undefined) return;
    this.#old = { stage: this.stage, sha: this.sha };
    this.#turn += 1;
    const turn = this.#turn;
    this.stage = this.stage.startsWith('RUNNING') && this.sha !== head ? `RUNNING_${stage}` : stage;
    this.sha = head;
    this.errorMessage = undefined;
    const kind = git(this.repository, 'show', `${head}:kind`);
    const environment = new Map([...this.variables, ...this.secrets]);
    if (kind !== 'hung')
      setTimeout(() => {
        if (turn === this.#turn) this.#end(kind, environment);
      }, this.buildMs);
  }

  #end(kind: string, environment: ReadonlyMap<string, string>): void {
    this.logs.push(`connecting to ${environment.get('DATABASE_URL') ?? ''}`);
    if (kind === 'bad') {
      this.logs.push(`cannot open the database with ${environment.get('SECRET_TOKEN') ?? ''}`);
      this.errorMessage = 'Exit code: 3. Reason: application exited';
    }
    this.stage = kind === 'bad' ? 'RUNTIME_ERROR' : 'RUNNING';
    this.#served = { kind, environment };
  }
}

export interface HuggingFace extends VendorApi {
  readonly space: SpaceStandIn;
  /** What pushes were told as their token. */
  readonly pushedWith: string[];
}

export async function startHuggingFace(): Promise<HuggingFace> {
  const [space, pushedWith]: [SpaceStandIn, string[]] = [new SpaceStandIn(), []];
  const api = await startApi(
    (request) => answer(space, request),
    (request, response) => {
      if (request.url?.startsWith(`${API}/logs/`)) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data:\n\n');
        for (const data of space.logs)
          response.write(`data: ${JSON.stringify({ data: `${data}\n`, timestamp: 'now' })}\n\n`);
        // As there: the stream goes on; a test would wait for it.
        response.end();
        return true;
      }
      if (!request.url?.startsWith('/spaces/')) return false;
      pushedWith.push(request.headers.authorization ?? '');
      backend(space, request, response);
      return true;
    },
  );
  return { ...api, space, pushedWith };
}

function answer(space: SpaceStandIn, { method, path, headers, body }: ApiRequest): ApiAnswer {
  if (headers['authorization'] !== `Bearer ${HF_TOKEN}`) return { status: 401, body: { error: 'Invalid credentials' } };
  switch (`${method} ${path}`) {
    case `GET ${API}`:
      return { status: 200, body: { id: SPACE, sha: space.head } };
    case `GET ${API}/runtime`:
      return { status: 200, body: space.runtime };
    case `GET ${API}/commits/main`: {
      const lines = git(space.repository, 'log', '--format=%H %s', 'main').split('\n');
      return { status: 200, body: lines.map((line) => ({ id: line.slice(0, 40), title: line.slice(41) })) };
    }
    case `GET ${API}/variables`:
      return {
        status: 200,
        body: Object.fromEntries([...space.variables].map(([key, value]) => [key, { key, value }])),
      };
    case `POST ${API}/variables`:
    case `POST ${API}/secrets`: {
      const { key, value } = body as { key: string; value: string };
      (path.endsWith('secrets') ? space.secrets : space.variables).set(key, value);
      space.changed();
      return { status: 200, body: path.endsWith('secrets') ? 'OK' : {} };
    }
    case `POST ${API}/restart`:
      space.restart();
      return { status: 200, body: space.runtime };
    case `POST ${API}/pause`:
      space.pause();
      return { status: 200, body: space.runtime };
    default:
      return { status: 404, body: { error: 'Repository not found' } };
  }
}

/** Git's own server behind the socket. */
function backend(space: SpaceStandIn, request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization !== `Basic ${Buffer.from(`user:${HF_TOKEN}`).toString('base64')}`) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="hub"' }).end();
    return;
  }
  const { pathname, search } = new URL(request.url ?? '/', 'http://hub');
  const before = space.head;
  const child = spawn(join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend'), {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: space.repository.slice(0, space.repository.indexOf('/spaces/')),
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_USER: 'people',
      PATH_INFO: pathname.replace(SPACE, `${SPACE}.git`),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? '',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.once('close', () => {
    space.pushed(before);
    if (space.losesPush && space.head !== before) {
      space.losesPush = false;
      request.socket.destroy();
      return;
    }
    const all = Buffer.concat(pieces);
    const end = all.indexOf('\r\n\r\n');
    const headers = all
      .subarray(0, end)
      .toString('latin1')
      .split('\r\n')
      .map((line) => line.split(/:\s*/, 2));
    const status = Number(headers.find(([name]) => name === 'Status')?.[1]?.slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(headers) as Record<string, string>).end(all.subarray(end + 4));
  });
}

import type { components } from '@octokit/openapi-types';
import { setTimeout as pause } from 'node:timers/promises';
import { type ApiAnswer, type ApiRequest, startApi, type VendorApi } from './vendor-api.ts';

export const GITHUB_TOKEN = 'github-token-that-nobody-may-see';

type Variable = components['schemas']['actions-variable'];
type Run = Pick<
  components['schemas']['workflow-run'],
  'id' | 'event' | 'head_branch' | 'status' | 'conclusion' | 'html_url' | 'created_at' | 'updated_at'
>;
type Started = components['schemas']['workflow-dispatch-response'];

/** How the stand-in behaves from now on. */
export interface Behaviour {
  /** Whether runs end at all, and how. */
  conclusion: 'success' | 'failure' | 'stuck';
  /** Newer runs cancel those that have not ended. */
  cancels: boolean;
  /** The run's id is told when it is started. */
  tellsId: boolean;
  /** A run is listed only after so many milliseconds, and a page is seen so long in its old form. */
  listedAfterMs: number;
  shownAfterMs: number;
  /** Builds ignore the variable: the page names another address. */
  ignoresVariable: boolean;
  queuedMs: number;
  buildMs: number;
}

export interface GithubStandIn extends VendorApi {
  readonly behaviour: Behaviour;
  readonly runs: readonly Run[];
  /** Somebody else's doing in the browser: the variable, and a build with it that is out. */
  publish(value: string): void;
  /** Starts a run, as a push does. */
  push(): Run;
  setVariable(value: string): void;
  /** Where the pages are; below the same port. */
  readonly page: string;
}

const REPOSITORY = '/repos/people/book';
const VARIABLE = `${REPOSITORY}/actions/variables/API_URL`;
const WORKFLOW = `${REPOSITORY}/actions/workflows/deploy.yml`;

class Repository {
  readonly behaviour: Behaviour = {
    conclusion: 'success',
    cancels: false,
    tellsId: true,
    listedAfterMs: 0,
    shownAfterMs: 0,
    ignoresVariable: false,
    queuedMs: 20,
    buildMs: 40,
  };
  readonly runs: Run[] = [];
  readonly listedFrom = new Map<number, number>();
  variable: Variable = variableOf('https://app-a.example');
  /** What the published script names. */
  built = 'https://app-a.example';
  #old = { address: this.built, until: 0 };

  get shown(): string {
    return Date.now() < this.#old.until ? this.#old.address : this.built;
  }

  publish(value: string): void {
    this.set(value);
    this.built = value;
    // All of it was some time ago: runs are told from settings by the second.
    this.variable = { ...this.variable, updated_at: seconds(-20) };
    const times = { created_at: seconds(-10), updated_at: seconds(-1) };
    this.runs.unshift({ ...this.#newRun('push'), ...times, status: 'completed', conclusion: 'success' });
  }

  set(value: string): void {
    this.variable = { ...this.variable, value, updated_at: seconds() };
  }

  start(event: string): Run {
    if (this.behaviour.cancels) for (const run of this.runs) if (run.status !== 'completed') finish(run, 'cancelled');
    const run = this.#newRun(event);
    this.runs.unshift(run);
    this.listedFrom.set(Number(run.id), Date.now() + this.behaviour.listedAfterMs);
    void this.#work(run);
    return run;
  }

  async #work(run: Run): Promise<void> {
    const { queuedMs, buildMs, conclusion, shownAfterMs, ignoresVariable } = this.behaviour;
    if (conclusion === 'stuck') return;
    await pause(queuedMs);
    if (isOver(run)) return;
    run.status = 'in_progress';
    const { value } = this.variable;
    await pause(buildMs);
    if (isOver(run)) return;
    if (conclusion === 'success') {
      this.#old = { address: this.built, until: Date.now() + shownAfterMs };
      if (!ignoresVariable) this.built = value;
    }
    finish(run, conclusion);
  }

  #newRun(event: string): Run {
    const id = 1_000 + this.runs.length;
    const now = seconds();
    const html_url = `https://github.com/people/book/actions/runs/${id}`;
    const times = { created_at: now, updated_at: now };
    return { id, event, head_branch: 'main', status: 'queued', conclusion: null, html_url, ...times };
  }
}

/** The variable, the runs and the dispatches of one repository, and the pages that it publishes. */
export async function startGithub(): Promise<GithubStandIn> {
  const repository = new Repository();
  repository.publish('https://app-a.example');
  const api = await startApi((request) => answerPage(repository, request) ?? answerApi(repository, request));
  return {
    ...api,
    behaviour: repository.behaviour,
    runs: repository.runs,
    publish: (value) => repository.publish(value),
    push: () => repository.start('push'),
    setVariable: (value) => repository.set(value),
    page: '/book/',
  };
}

/** As Docusaurus builds it: the address is in a script that the page's script loads. */
function answerPage({ shown }: Repository, { path }: ApiRequest): ApiAnswer | undefined {
  const body = {
    '/book/':
      '<html><script src="https://elsewhere.example/count.js"></script><script defer src=/book/main.abc.js></script>',
    '/book/main.abc.js': 'import{a}from"./settings.js";import("./gone.js");',
    '/book/settings.js': `e.exports={customFields:{api:"${shown.replaceAll('/', String.raw`\/`)}\\/"}}`,
  }[path];
  if (body !== undefined) return { status: 200, headers: { 'content-type': 'text/html' }, body };
  return path.startsWith('/book/') ? { status: 404, body: 'no such page' } : undefined;
}

function answerApi(repository: Repository, { method, path, query, headers, body }: ApiRequest): ApiAnswer {
  if (headers['authorization'] !== `Bearer ${GITHUB_TOKEN}`)
    return { status: 401, body: { message: 'Bad credentials' } };
  const what = `${method} ${path}`;
  if (what === `GET ${VARIABLE}`) return { status: 200, body: repository.variable };
  if (what === `PATCH ${VARIABLE}`) {
    repository.set((body as { value: string }).value);
    return { status: 204 };
  }
  if (what === `GET ${WORKFLOW}/runs`) {
    const since = Date.parse((query.get('created') ?? '').slice(1));
    const listed = ({ id, created_at, head_branch }: Run): boolean =>
      Date.parse(created_at) > since &&
      head_branch === query.get('branch') &&
      (repository.listedFrom.get(Number(id)) ?? 0) <= Date.now();
    const workflow_runs = repository.runs.filter(listed);
    return { status: 200, body: { total_count: workflow_runs.length, workflow_runs } };
  }
  if (what === `POST ${WORKFLOW}/dispatches`) {
    const { id, html_url } = repository.start('workflow_dispatch');
    const said: Started = { workflow_run_id: Number(id), run_url: `https://api.github.com/runs/${id}`, html_url };
    return repository.behaviour.tellsId ? { status: 200, body: said } : { status: 204 };
  }
  const run = repository.runs.find(({ id }) => what === `GET ${REPOSITORY}/actions/runs/${id}`);
  return run ? { status: 200, body: run } : { status: 404, body: { message: 'Not Found' } };
}

function variableOf(value: string): Variable {
  return { name: 'API_URL', value, created_at: seconds(), updated_at: seconds() };
}

/** Asked again after a pause: somebody may have cancelled it. */
function isOver({ status }: Run): boolean {
  return status === 'completed';
}

function finish(run: Run, conclusion: string): void {
  Object.assign(run, { status: 'completed', conclusion, updated_at: seconds() });
}

/** GitHub tells whole seconds. */
function seconds(later = 0): string {
  return `${new Date(Date.now() + later * 1000).toISOString().slice(0, 19)}Z`;
}

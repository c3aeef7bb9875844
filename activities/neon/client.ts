import { createApiClient, EndpointType } from '@neondatabase/api-client';
import type { z } from 'zod';
import type { NeonConfig } from '../../config/neon.ts';
import { Secret } from '../../config/secret.ts';
import type { Moment } from '../../domain/database-state.ts';
import * as answers from './answers.ts';
import { failureOf, NeonFailure } from './failure.ts';
import { overBusy } from './retry.ts';
import type { Patience } from './tools.ts';

type Api = ReturnType<typeof createApiClient>;
type Options = NonNullable<Parameters<Api['getProject']>[1]>;

/** The smallest that every plan has. */
const SMALLEST_CU = 0.25;
const PAGE = 1_000;

/** A branch that is to be made of its parent, with a compute to read it by. */
export interface BranchWish {
  readonly name: string;
  readonly parentId: string;
  /** Of which moment; the head of its parent without it. */
  readonly at?: Moment | undefined;
  readonly expiresAt: string;
  /** What is noted at the branch, for people. */
  readonly note: Readonly<Record<string, string>>;
  readonly suspendSeconds: number | undefined;
}

interface Call<T> {
  /** What is being done, for messages. */
  readonly what: string;
  readonly answer: z.ZodType<T>;
  /** False for what must not be sent again when nobody knows how far it came. */
  readonly read?: boolean;
  send(options: Options): Promise<{ data: unknown }>;
}

/** Until when, and whom to tell of waiting. */
interface Until {
  readonly signal?: AbortSignal | undefined;
  readonly onBusy?: ((failure: NeonFailure) => void) | undefined;
}

/**
 * One project of Neon's control plane, through the vendor's client. A project that is busy is waited for; reads are
 * repeated over silence, what writes is not. Thrown: NeonFailure with NEON_UNREACHABLE, _BUSY, _DENIED, _REFUSED, _LIMIT.
 */
export class NeonClient {
  readonly #config: NeonConfig;
  readonly #patience: Patience;
  readonly #until: Until;
  readonly #api: Api;

  constructor(config: NeonConfig, patience: Patience, until: Until = {}) {
    this.#config = config;
    this.#patience = patience;
    this.#until = until;
    const baseURL = config.apiUrl.replace(/\/+$/, '');
    this.#api = createApiClient({ apiKey: config.apiKey.reveal(), baseURL, maxRedirects: 0 });
  }

  /** The same client, whose calls end when the signal does. */
  until(until: Until): NeonClient {
    return new NeonClient(this.#config, this.#patience, until);
  }

  get #project(): string {
    return this.#config.projectId;
  }

  async readProject(): Promise<answers.Project> {
    const send = (options: Options) => this.#api.getProject(this.#project, options);
    const what = `read the project ${this.#project}`;
    return (await this.#call({ what, read: true, answer: answers.projectAnswerSchema, send })).project;
  }

  /** Branches that are there, all of them or those whose name or id contains `search`. */
  async listBranches(search?: string): Promise<answers.Branch[]> {
    const all: answers.Branch[] = [];
    for (let cursor: string | undefined; ;) {
      const query = { projectId: this.#project, ...(search ? { search } : {}), ...(cursor ? { cursor } : {}) };
      const send = (options: Options) => this.#api.listProjectBranches(query, options);
      const what = `list the branches of the project ${this.#project}`;
      const call = { what, read: true, answer: answers.branchesAnswerSchema, send };
      const { branches, pagination } = await this.#call(call);
      all.push(...branches);
      const next = pagination?.next ?? undefined;
      if (!next || branches.length === 0 || next === cursor) return all;
      cursor = next;
    }
  }

  async readBranch(id: string): Promise<answers.Branch> {
    const send = (options: Options) => this.#api.getProjectBranch(this.#project, id, options);
    const call = { what: `read the branch ${id}`, read: true, answer: answers.branchAnswerSchema, send };
    return (await this.#call(call)).branch;
  }

  createBranch({ name, parentId, at, expiresAt, note, suspendSeconds }: BranchWish): Promise<{
    branch: answers.Branch;
    operations: answers.Operation[];
  }> {
    const wish = {
      branch: {
        name,
        parent_id: parentId,
        expires_at: expiresAt,
        ...(at && ('lsn' in at ? { parent_lsn: at.lsn } : { parent_timestamp: at.timestamp })),
      },
      endpoints: [smallest(suspendSeconds)],
      annotation_value: { ...note },
    };
    const send = (options: Options) => this.#api.createProjectBranch(this.#project, wish, options);
    return this.#call({ what: `create the branch ${name}`, answer: answers.branchMadeSchema, send });
  }

  /** Gives a branch the state of a moment of `sourceId`, of its head without one; what it was goes on as `preserveAs`. */
  async restoreBranch(
    id: string,
    { sourceId, at, preserveAs }: { sourceId: string; at?: Moment | undefined; preserveAs: string },
  ): Promise<answers.Operation[]> {
    const wish = {
      source_branch_id: sourceId,
      preserve_under_name: preserveAs,
      ...(at && ('lsn' in at ? { source_lsn: at.lsn } : { source_timestamp: at.timestamp })),
    };
    const send = (options: Options) => this.#api.restoreProjectBranch(this.#project, id, wish, options);
    const what = `restore the branch ${id}`;
    return (await this.#call({ what, answer: answers.branchMadeSchema, send })).operations;
  }

  /** @returns the operations that it takes; none when it was gone already */
  async deleteBranch(id: string): Promise<answers.Operation[]> {
    const wish = { projectId: this.#project, branchId: id };
    const send = async (options: Options) => {
      const { data, status } = await this.#api.deleteProjectBranch(wish, options);
      return { data: status === 204 ? {} : data };
    };
    const what = `delete the branch ${id}`;
    return (await this.#call({ what, answer: answers.operationsAnswerSchema, send })).operations;
  }

  async readOperation(id: string): Promise<answers.Operation> {
    const send = (options: Options) => this.#api.getProjectOperation(this.#project, id, options);
    const call = { what: `read the operation ${id}`, read: true, answer: answers.operationAnswerSchema, send };
    return (await this.#call(call)).operation;
  }

  /** The project's latest operations, the newest first. */
  async listOperations(): Promise<answers.Operation[]> {
    const query = { projectId: this.#project, limit: PAGE };
    const send = (options: Options) => this.#api.listProjectOperations(query, options);
    const call = { what: 'list the operations', read: true, answer: answers.operationsAnswerSchema, send };
    return (await this.#call(call)).operations;
  }

  /** The branch's compute that can be read and written; undefined when it has none. */
  async findEndpoint(branchId: string): Promise<answers.Endpoint | undefined> {
    const send = (options: Options) => this.#api.listProjectBranchEndpoints(this.#project, branchId, options);
    const what = `list the computes of the branch ${branchId}`;
    const { endpoints } = await this.#call({ what, read: true, answer: answers.endpointsAnswerSchema, send });
    return endpoints.find(({ type }) => type === String(EndpointType.ReadWrite));
  }

  createEndpoint(
    branchId: string,
    suspendSeconds: number | undefined,
  ): Promise<{ endpoint: answers.Endpoint; operations: answers.Operation[] }> {
    const wish = { endpoint: { branch_id: branchId, ...smallest(suspendSeconds) } };
    const send = (options: Options) => this.#api.createProjectEndpoint(this.#project, wish, options);
    const what = `create a compute for the branch ${branchId}`;
    return this.#call({ what, answer: answers.endpointMadeSchema, send });
  }

  async restartEndpoint(id: string): Promise<answers.Operation[]> {
    const send = (options: Options) => this.#api.restartProjectEndpoint(this.#project, id, options);
    const what = `restart the compute ${id}`;
    return (await this.#call({ what, answer: answers.endpointMadeSchema, send })).operations;
  }

  async listDatabases(branchId: string): Promise<{ name: string; owner_name: string }[]> {
    const send = (options: Options) => this.#api.listProjectBranchDatabases(this.#project, branchId, options);
    const what = `list the databases of the branch ${branchId}`;
    return (await this.#call({ what, read: true, answer: answers.databasesAnswerSchema, send })).databases;
  }

  /** How to connect to a branch without a pooler, with the password in it. */
  async connectionUri(wish: { branchId: string; endpointId: string; database: string; role: string }): Promise<Secret> {
    const query = {
      projectId: this.#project,
      branch_id: wish.branchId,
      endpoint_id: wish.endpointId,
      database_name: wish.database,
      role_name: wish.role,
    };
    const send = (options: Options) => this.#api.getConnectionUri(query, options);
    const what = `tell how to connect as ${wish.role} to ${wish.database} on the branch ${wish.branchId}`;
    return new Secret((await this.#call({ what, read: true, answer: answers.connectionAnswerSchema, send })).uri);
  }

  /** Gives a role another password, on one branch. It is valid when the operations have ended. */
  async resetPassword(branchId: string, role: string): Promise<{ password: Secret; operations: answers.Operation[] }> {
    const send = (options: Options) => this.#api.resetProjectBranchRolePassword(this.#project, branchId, role, options);
    const what = `give ${role} a password on the branch ${branchId}`;
    const done = await this.#call({ what, answer: answers.passwordAnswerSchema, send });
    return { password: new Secret(done.role.password), operations: done.operations };
  }

  async readSchedule(branchId: string): Promise<answers.ScheduleItem[]> {
    const send = (options: Options) => this.#api.getSnapshotSchedule(this.#project, branchId, options);
    const what = `read the snapshot schedule of the branch ${branchId}`;
    return (await this.#call({ what, read: true, answer: answers.scheduleAnswerSchema, send })).schedule;
  }

  #call<T>({ what, answer, read = false, send }: Call<T>): Promise<T> {
    const { answerMs, busyMs } = this.#patience;
    const { signal, onBusy } = this.#until;
    const once = async (): Promise<T> => {
      const deadline = AbortSignal.timeout(answerMs);
      let data: unknown;
      try {
        ({ data } = await send({ signal: signal ? AbortSignal.any([signal, deadline]) : deadline }));
      } catch (error) {
        signal?.throwIfAborted();
        throw failureOf(what, error, answerMs);
      }
      return understand(what, answer, data);
    };
    return overBusy(once, { busyMs, signal, read, onBusy });
  }
}

function smallest(suspendSeconds: number | undefined) {
  return {
    type: EndpointType.ReadWrite,
    autoscaling_limit_min_cu: SMALLEST_CU,
    autoscaling_limit_max_cu: SMALLEST_CU,
    ...(suspendSeconds === undefined ? {} : { suspend_timeout_seconds: suspendSeconds }),
  };
}

/** @throws NeonFailure that names the fields, and none of their values */
function understand<T>(what: string, answer: z.ZodType<T>, data: unknown): T {
  const parsed = answer.safeParse(data);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'answer'}: ${message}`);
  const said = fields.slice(0, 3).join('; ');
  throw new NeonFailure('NEON_REFUSED', `Neon, ${what}: an answer that we do not understand (${said})`);
}

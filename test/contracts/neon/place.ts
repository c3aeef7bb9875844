import { setTimeout as pause } from 'node:timers/promises';
import { test } from '@jest/globals';
import {
  type Branch,
  type BranchCreateRequest,
  createApiClient,
  type Endpoint,
  EndpointType,
} from '@neondatabase/api-client';
import { type NeonProject, NeonStandIn, settled } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';
import { checkCalls } from './openapi.ts';

const REAL_URL = 'https://console.neon.tech/api/v2';

/** The real service, when a key and a project that may be changed are given. */
function realPlace(): NeonProject | undefined {
  const [apiKey, id] = [process.env['NEON_CONTRACT_API_KEY'], process.env['NEON_CONTRACT_PROJECT_ID']];
  if (!apiKey || !id) return undefined;
  const client = createApiClient({ apiKey, baseURL: REAL_URL, timeout: 30_000 });
  return { apiKey, id, apiUrl: REAL_URL, client, lookEveryMs: 1_000 };
}

const real = realPlace();

/** For what costs, destroys, or has no answer that is known at the real service. */
export const onlyHere: typeof test | typeof test.skip = real ? test.skip : test;

/** The project that a suite plays against, with every call checked against the vendor's description. */
export class Place {
  readonly project: NeonProject;
  readonly seen: ReadonlySet<string>;
  readonly standIn: NeonStandIn | undefined;
  readonly #made: string[] = [];

  private constructor(project: NeonProject, standIn: NeonStandIn | undefined) {
    this.project = project;
    this.standIn = standIn;
    this.seen = checkCalls(project.client);
  }

  static async open(): Promise<Place> {
    if (real) return new Place(real, undefined);
    const standIn = await NeonStandIn.start();
    const place = new Place(standIn, standIn);
    await place.uri((await place.main()).id);
    return place;
  }

  get client(): NeonProject['client'] {
    return this.project.client;
  }

  get id(): string {
    return this.project.id;
  }

  /** Removes what a suite has made at the real service; stops the stand-in. */
  async close(): Promise<void> {
    for (const branch of real ? this.#made.toReversed() : []) {
      const { data } = await this.client.deleteProjectBranch({ projectId: this.id, branchId: branch });
      await this.settled(data);
    }
    await this.standIn?.stop();
  }

  settled({ operations }: Partial<Pick<{ operations: Parameters<typeof settled>[1] }, 'operations'>>): Promise<void> {
    return settled(this.project, operations ?? []);
  }

  async main(): Promise<Branch> {
    const { data } = await this.client.listProjectBranches({ projectId: this.id });
    const found = data.branches.find((branch) => branch.default);
    if (!found) throw new Error('the project has no default branch');
    return found;
  }

  /** A branch with its operations through. */
  async branch(
    wish: BranchCreateRequest['branch'],
    types: readonly EndpointType[] = [EndpointType.ReadWrite],
  ): Promise<Made> {
    const { data } = await this.client.createProjectBranch(this.id, {
      ...(wish ? { branch: wish } : {}),
      endpoints: types.map((type) => ({ type })),
    });
    this.#made.push(data.branch.id);
    await this.settled(data);
    return {
      branch: (await this.client.getProjectBranch(this.id, data.branch.id)).data.branch,
      endpoints: data.endpoints,
    };
  }

  /** How to connect to a branch as the owner of its first database. */
  async uri(branch: string, endpoint?: string): Promise<string> {
    const { data } = await this.client.listProjectBranchDatabases(this.id, branch);
    const [database] = data.databases;
    if (!database) throw new Error('the branch has no database');
    const answer = await this.client.getConnectionUri({
      projectId: this.id,
      branch_id: branch,
      ...(endpoint === undefined ? {} : { endpoint_id: endpoint }),
      database_name: database.name,
      role_name: database.owner_name,
    });
    return answer.data.uri;
  }

  async rows(branch: string, sql: string): Promise<Record<string, unknown>[]> {
    return runSql(await this.uri(branch), sql);
  }
}

export interface Made {
  readonly branch: Branch;
  readonly endpoints: readonly Endpoint[];
}

/** A moment between what is committed before and after, by the server's clock. */
export async function momentOf(uri: string): Promise<{ time: string; lsn: string }> {
  await pause(5);
  const sql = `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time,
    pg_current_wal_lsn()::text as lsn`;
  const [row] = await runSql(uri, sql);
  await pause(5);
  return { time: String(row?.['time']), lsn: String(row?.['lsn']) };
}

/** The same connection, to a branch as it was: with the branch in place of the endpoint. */
export function travelUri(uri: string, branch: string, moment: string): string {
  const url = new URL(uri);
  const local = url.hostname === '127.0.0.1';
  if (!local) url.hostname = url.hostname.replace(/^[^.]+/, branch);
  url.searchParams.set('options', local ? `endpoint=${branch} ${moment}` : moment);
  return url.href;
}

import type { ClusterActivities } from '../activities/cluster-contract.ts';
import type { RecoveryActivities } from '../activities/contract.ts';
import { asFailure } from '../activities/fail.ts';
import { PRIMARY, type ServerRef, serverRefSchema } from '../domain/servers.ts';

/** Activities whose `server` is what they are about, and not where they are done. */
const ABOUT_SERVERS: ReadonlySet<string> = new Set<keyof ClusterActivities>(['repointApp', 'recordLivePlace']);

/**
 * What needs no Qdrant, and must go on though nobody can say which one is live: telling people, reports, and all that is the store's,
 * Postgres' or Neon's own.
 */
const WITHOUT_QDRANT: ReadonlySet<string> = new Set<keyof RecoveryActivities>([
  'notify',
  'findLeaseHolder',
  'publishReport',
  'publishMessage',
  'chooseRecoverySet',
  'listMarks',
  'sealRecoverySet',
  'discardSet',
  'sweepSet',
  'pickSet',
  'checkObjects',
  'recordVerification',
  'planPrune',
  'removeSets',
  'dumpDatabase',
  'readLivePlace',
  'recordLivePlace',
  'readTraffic',
  'pointTraffic',
  'watchApp',
  'findApp',
  'stopApp',
  'fenceApp',
  'resolveRelease',
  'recordRelease',
]);

export interface Servers {
  /** Which server is the live one now. */
  live(): Promise<ServerRef>;
  /** Every activity, done on that server. Called once for each server. @throws INVALID_CONFIGURATION for one that is not known here */
  on(server: ServerRef): RecoveryActivities | Promise<RecoveryActivities>;
}

/**
 * Lets every activity follow the vectors. An activity knows one server only; here it is chosen at every call: the one that the
 * input names as `server`, else the live one as it is recorded now. A cluster that was replaced is thereby left by every run
 * and schedule at once, without a restart of any worker.
 */
export function followLive(names: readonly string[], servers: Servers): RecoveryActivities {
  const made = new Map<string, Promise<RecoveryActivities>>();
  const on = (server: ServerRef): Promise<RecoveryActivities> => {
    const key = JSON.stringify(server);
    const known = made.get(key) ?? Promise.resolve(servers.on(server));
    made.set(key, known);
    // What is not configured may be so after a key file has been written.
    known.catch(() => made.delete(key));
    return known;
  };
  const direct = async (name: string, input: object | undefined): Promise<unknown> => {
    const call = Reflect.get(await on(PRIMARY), name) as (input?: object) => Promise<unknown>;
    return call(input);
  };
  const following = names.map((name) => [
    name,
    async (input?: object): Promise<unknown> => {
      if (WITHOUT_QDRANT.has(name)) return direct(name, input);
      const { server, rest } = chosen(name, input);
      const activities = await chooseServer(server, servers, on);
      const call = Reflect.get(activities, name) as (input?: object) => Promise<unknown>;
      return call(rest);
    },
  ]);
  return Object.fromEntries(following) as RecoveryActivities;
}

function chosen(name: string, input: object | undefined): { server: ServerRef | undefined; rest: object | undefined } {
  if (!input || ABOUT_SERVERS.has(name) || !('server' in input)) return { server: undefined, rest: input };
  const { server, ...rest } = input;
  return { server: server === undefined ? undefined : serverRefSchema.parse(server), rest };
}

/** Failures before the activity itself begins are told like its own. */
async function chooseServer(
  server: ServerRef | undefined,
  servers: Servers,
  on: (server: ServerRef) => Promise<RecoveryActivities>,
): Promise<RecoveryActivities> {
  try {
    return await on(server ?? (await servers.live()));
  } catch (error) {
    throw asFailure(error);
  }
}

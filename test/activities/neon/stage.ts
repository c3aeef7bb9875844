import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Progress } from '../../../activities/contract.ts';
import { withFailures } from '../../../activities/fail.ts';
import { createNeonActivities } from '../../../activities/neon/index.ts';
import { canLogIn, setPassword } from '../../../activities/postgres/login.ts';
import type { Patience } from '../../../activities/neon/tools.ts';
import type { NeonRecoveryActivities } from '../../../activities/postgres-contract.ts';
import type { NeonBackupActivities } from '../../../activities/set-contract.ts';
import { neonConfigSchema } from '../../../config/neon.ts';
import { Secret } from '../../../config/secret.ts';
import type { NeonOptions } from '../../../sandbox/neon/settings.ts';
import { NeonStandIn, settled } from '../../support/neon.ts';
import { runSql } from '../../support/postgres.ts';

export const ROLE = 'neondb_owner';
export const DATABASE = 'neondb';
/** The first password of the role; never to be seen in a message. */
export const PASSWORD = 'quiet-heron-0815';

const PATIENCE: Patience = {
  answerMs: 10_000,
  busyMs: 20_000,
  operationsMs: 30_000,
  failedMs: 5_000,
  lookMs: 10_000,
  pollMs: 20,
};

type Acts = NeonBackupActivities & NeonRecoveryActivities & { connectionUrlOf(branchId: string): Promise<Secret> };

interface Overrides {
  readonly config?: object;
  readonly patience?: Partial<Patience>;
  /** The app's address; null for none. */
  readonly url?: Secret | null;
  readonly environment?: MockActivityEnvironment;
}

/** A project on the stand-in, with a table in its database, and the activities over it. */
export interface Stage {
  readonly neon: NeonStandIn;
  readonly main: string;
  /** The app's address. Holds the password. */
  readonly url: string;
  /** Heartbeats of the last activity that ran. */
  readonly beats: Progress[];
  run<R>(use: (act: Acts) => Promise<R>, overrides?: Overrides): Promise<R>;
  branches(): Promise<{ id: string; name: string; parent_id?: string; expires_at?: string }[]>;
  /** Waits until nothing is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function setStage(options: Partial<NeonOptions> = {}): Promise<Stage> {
  const neon = await NeonStandIn.start({ rolePassword: PASSWORD, ...options });
  const projectId = neon.id;
  const branches: Stage['branches'] = async () => (await neon.client.listProjectBranches({ projectId })).data.branches;
  const idle = async (): Promise<void> => {
    const { operations } = (await neon.client.listProjectOperations({ projectId })).data;
    for (const operation of operations) await settled(neon, [operation]).catch(() => undefined);
  };
  await idle();
  const wish = { projectId, database_name: DATABASE, role_name: ROLE };
  const { uri: url } = (await neon.client.getConnectionUri(wish)).data;
  await runSql(url, "create table chunks (id int primary key, text text); insert into chunks values (1, 'one')");
  const beats: Progress[] = [];
  return {
    neon,
    main: (await branches())[0]?.id ?? '',
    url,
    beats,
    branches,
    idle,
    run: (use, { config, patience, url: own = new Secret(url), environment = quietEnvironment() } = {}) => {
      beats.length = 0;
      environment.on('heartbeat', (beat: Progress) => beats.push(beat));
      const { activities, recovery, connectionUrlOf } = createNeonActivities({
        config: neonConfigSchema.parse({ apiUrl: neon.apiUrl, apiKey: neon.apiKey, projectId, ...config }),
        url: own ?? undefined,
        patience: { ...PATIENCE, ...patience },
        logins: { canLogIn, setPassword },
      });
      const act = withFailures({ ...activities, ...recovery, connectionUrlOf });
      return environment.run(() => use(act));
    },
    close: () => neon.stop(),
  };
}

/** An activity context whose log is quiet: failures are expected here, and looked at. */
export function quietEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
}

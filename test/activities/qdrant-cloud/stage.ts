import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { Progress } from '../../../activities/contract.ts';
import { withFailures } from '../../../activities/fail.ts';
import { createQdrantCloudActivities } from '../../../activities/qdrant-cloud/index.ts';
import type { Patience } from '../../../activities/qdrant-cloud/tools.ts';
import { type CloudUnderTest, startCloud } from '../../support/qdrant-cloud.ts';
import { type QdrantUnderTest, startQdrant } from '../../support/qdrant.ts';

/** A cluster with a real server behind it, the stand-in of the cloud, and the activities over it. */
export interface Stage {
  readonly cloud: CloudUnderTest;
  readonly qdrant: QdrantUnderTest;
  /** Heartbeats of the last activity that ran. */
  readonly beats: Progress[];
  run<R>(use: (act: ReturnType<typeof createQdrantCloudActivities>) => Promise<R>, overrides?: Overrides): Promise<R>;
  close(): Promise<void>;
}

interface Overrides {
  readonly config?: object;
  readonly patience?: Partial<Patience>;
  readonly environment?: MockActivityEnvironment;
}

const PATIENCE: Partial<Patience> = { answerMs: 10_000, lookMs: 10_000, pollMs: 10 };

export async function setStage(): Promise<Stage> {
  const qdrant = await startQdrant({ open: true });
  await qdrant.call('PUT', '/collections/book', { vectors: { size: 2, distance: 'Dot' } });
  const cloud = await startCloud({ url: qdrant.url });
  const beats: Progress[] = [];
  return {
    cloud,
    qdrant,
    beats,
    run: (use, { config, patience, environment = activityEnvironment() } = {}) => {
      beats.length = 0;
      environment.on('heartbeat', (beat: Progress) => beats.push(beat));
      const act = withFailures(
        createQdrantCloudActivities({ config: cloud.config(config), patience: { ...PATIENCE, ...patience } }),
      );
      return environment.run(() => use(act));
    },
    close: async () => {
      await cloud.stop();
      await qdrant.stop();
    },
  };
}

/** An activity context whose log is quiet: failures are expected here, and looked at. */
export function activityEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
}

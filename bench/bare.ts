import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { RecoveryActivities } from '../activities/contract.ts';
import type { Config } from '../config/schema.ts';
import { scratchNameOf, setIdOf } from '../domain/names.ts';
import { lostIndexes, mustFit } from '../domain/partial-loss.ts';
import { draftSet, type RecoverySet } from '../domain/recovery-set.ts';
import { composeActivities } from '../workers/compose.ts';

/**
 * The product's activities without Temporal: each runs in this process, at once. With them the same calls are made of the
 * same systems by a plain script, which is what a durable run is measured against.
 */
export function bareActivities(config: Config): RecoveryActivities {
  const activities = composeActivities(config);
  return new Proxy(activities, {
    get(target, name, receiver) {
      const activity = Reflect.get(target, name, receiver) as (input: unknown) => Promise<unknown>;
      return (input: unknown) => new MockActivityEnvironment().run(activity, input);
    },
  });
}

/** Takes a recovery set, as the backup runbook does. */
export async function bareBackup(act: RecoveryActivities, config: Config, collection: string): Promise<RecoverySet> {
  const takenAt = new Date();
  const setId = setIdOf(takenAt, randomUUID().slice(0, 6));
  const folder = `sets/${setId}`;
  const described = await act.describeCollection({ collection });
  const snapshot = await act.captureCollection({ collection, folder });
  const { index } = await act.captureIndex({ collection, folder });
  const postgres = await act.dumpDatabase({ folder });
  const golden = await act.captureGolden({ collection, folder });
  const qdrant = { name: config.qdrant.collection, collection, snapshot, index, ...described };
  const stack = { environment: config.environment, embedding: config.embeddings.identity };
  const draft = draftSet(stack, { id: setId, takenAt: takenAt.toISOString(), qdrant, postgres, golden });
  const { counts } = await act.reconcileStack({ collection, set: draft, depth: 'content', folder });
  const set = { ...draft, disagreements: counts };
  await act.sealRecoverySet({ set });
  return set;
}

/** Every call that the partial-loss runbook makes of the stores, in its order. @returns points copied back */
export async function bareRecovery(act: RecoveryActivities, collection: string): Promise<number> {
  const run = randomUUID();
  const folder = `runs/bare/${run}`;
  const { set } = await act.chooseRecoverySet({});
  const shape = await act.compareShape({ collection, set });
  mustFit(shape, set);
  const damage = await act.reconcileStack({ collection, set, depth: 'content', folder: `${folder}/assess` });
  await act.captureCollection({ collection, folder: `${folder}/before` });
  const scratch = scratchNameOf(collection, 'restore', run);
  await act.restoreBeside({ snapshot: set.qdrant.snapshot, scratch, points: set.qdrant.points });
  const { written } = await act.copyPoints({ list: damage.copy, from: scratch, to: collection });
  const fields = Object.fromEntries(lostIndexes(shape));
  if (Object.keys(fields).length > 0) await act.createIndexes({ collection, fields });
  const after = await act.reconcileStack({ collection, set, depth: 'content', folder: `${folder}/verify` });
  if (after.copy.count + after.reembed.count > 0) throw new Error(`${after.copy.count} points are still missing`);
  await act.compareShape({ collection, set });
  const sections = damage.sections.map(({ section }) => section);
  const gates = [...(await act.checkAccess()), ...(await act.checkRetrieval({ collection, set, sections }))];
  const red = gates.find(({ verdict }) => verdict !== 'pass');
  if (red) throw new Error(`gate ${red.name}: expected ${red.expected}, saw ${red.observed}`);
  await act.dropScratch({ scratch });
  return written;
}

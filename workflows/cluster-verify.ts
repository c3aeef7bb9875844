/** What must be green before the replacement is made the live one, and after. */
import {
  answersOf,
  liveGates,
  configurationGates,
  type ClusterAssessment,
  isSound,
  mustGoBack,
  UNKNOWN_CONFIGURATION,
  vectorsOf,
} from '../domain/cluster-recovery.ts';
import type { ClusterProbe } from '../domain/cluster-probe.ts';
import { describeCount } from '../domain/format.ts';
import * as loss from '../domain/partial-loss.ts';
import type { ClusterInput } from '../domain/run-input.ts';
import { describeServer, sameServer } from '../domain/servers.ts';
import { bringUpToDate, type Target } from './cluster-fill.ts';
import { atServer, type ClusterRun, clusterOf } from './cluster-steps.ts';
import type { Watch } from './commit-window.ts';

/** Thoroughly, and while nobody asks it: configuration, points, indexes, filters, keys, questions. */
export async function verifyBeside(run: ClusterRun, found: ClusterAssessment, target: Target): Promise<void> {
  const { set, dropOrphans } = found;
  const { server, collection } = target;
  await run.step(
    'optimize',
    async (act) => {
      // Limits that would have been in the way of filling come last.
      await atServer(act, server).finishCollection({ collection, shape: found.shape });
      return atServer(act, server).awaitOptimized({ collection });
    },
    ({ status, indexed, points }) => `${status}: ${describeCount(indexed)} of ${describeCount(points)} vectors indexed`,
  );
  await run.verify('configuration', async (act) => {
    const there = await atServer(act, server).describeCollection({ collection });
    const { content } = found;
    const source = content ? await atServer(act, server).checkContent({ list: content.list, collection }) : [];
    if (!set) return [...source, UNKNOWN_CONFIGURATION];
    const differences = await atServer(act, server).compareShape({ collection, set });
    const expected = run.settings.hasRows || found.filling.kind !== 'snapshot' ? undefined : set.qdrant.points;
    return configurationGates(differences, { found: there.points, expected });
  });
  if (run.settings.hasRows)
    await run.verify('reconcile', async (act) => {
      const folder = `${run.folder}/verify`;
      const question = { collection, depth: 'content', folder } as const;
      const from = vectorsOf(found);
      return [
        loss.reconciliationGate(await atServer(act, server).reconcileStack({ ...question, set: from }), dropOrphans),
      ];
    });
  await run.verify('queries', (act) => atServer(act, server).checkQueries({ collection, shape: found.shape }));
  await run.verify('access', async (act) => [
    ...(await atServer(act, server).checkAccess({ collection })),
    ...(await atServer(act, server).checkTransport()),
  ]);
  await run.verify('retrieval', (act) =>
    atServer(act, server).checkRetrieval({ collection, set: answersOf(found), sections: [], withoutApp: true }),
  );
}

/** Aliases, the record of the live server, the app: each with its way back before it. */
export async function cutOver(run: ClusterRun, { names, set }: ClusterAssessment, target: Target): Promise<void> {
  const { server, collection, before } = target;
  const { collectionName } = run.settings;
  const found: { before: { alias: string; collection: string | null }[] } = { before: [] };
  run.undo('put the aliases back', async (act) => {
    await atServer(act, server).revertAliases({ before: found.before });
    if (!server) target.inUse = false;
  });
  if (server)
    run.undo(`make ${describeServer(before.server)} the live one again`, async (act) => {
      // An app that was never told has nothing to be told now, and may have no way to be.
      if (target.inUse) await act.repointApp({ server: before.server, collection: collectionName });
      target.inUse = false;
      const place = await act.readLivePlace();
      if (sameServer(place.server, server))
        await act.recordLivePlace({ epoch: place.epoch + 1, server: before.server });
    });
  if (!server) target.inUse = true;
  await run.must(
    'switch',
    async (act) => {
      const aliases = [...names.aliases];
      // What an earlier attempt found is what there was: the one after finds its own work.
      const seen = await atServer(act, server).setAliases({ collection, aliases });
      if (found.before.length === 0) found.before = seen.before;
      // Where no set was restored, nothing has said yet whose collection it is.
      if (!set) await atServer(act, server).markEnvironment();
      if (server) await act.recordLivePlace({ epoch: before.epoch + 1, server });
      return aliases;
    },
    (aliases) => (aliases.length === 0 ? `${collection} is live` : `${aliases.join(', ')} stands for ${collection}`),
  );
  if (!server) return;
  target.inUse = true;
  await run.step(
    'repoint',
    (act) => act.repointApp({ server, collection: collectionName }),
    ({ said }) => said,
  );
}

/** What was written while the switch went on is brought over, and the app answers from the new one. */
export async function verifyLive(run: ClusterRun, found: ClusterAssessment, target: Target): Promise<void> {
  const { dropOrphans } = found;
  const { collection } = target;
  const { collectionName, hasRows } = run.settings;
  await run.verify('live', async (act) => {
    const folder = `${run.folder}/live`;
    if (hasRows) await bringUpToDate(act, { set: vectorsOf(found), collection, dropOrphans, folder });
    const gates = liveGates(await act.probeCluster({ collection: collectionName }));
    const stands = (await act.resolveCollection()).collection;
    const questions = await act.checkRetrieval({ collection: collectionName, set: answersOf(found), sections: [] });
    return [...gates, loss.nameGate(collectionName, collection, stands), ...questions];
  });
}

/** The live cluster is well: keys, questions, and the app. Nothing is written. */
export async function verifyHealthy(run: ClusterRun, { setId }: ClusterInput): Promise<void> {
  const { collectionName } = run.settings;
  const { set } = await run.must('chooseSet', (act) => act.chooseRecoverySet({ setId }), loss.describeChoice);
  await run.verify('access', (act) => act.checkAccess());
  await run.verify('live', async (act) => [
    ...liveGates(await act.probeCluster({ collection: collectionName })),
    ...(await act.checkRetrieval({ collection: collectionName, set, sections: [] })),
  ]);
}

/** In the commit window the new server is watched, and given up only for one that is well. */
export function watchOf(run: ClusterRun, { server, before }: Target): Watch {
  const { watchSeconds, watchPatience } = clusterOf(run);
  const { collectionName: collection } = run.settings;
  const seen: ClusterProbe[] = [];
  return {
    everySeconds: watchSeconds,
    look: async (act) => {
      const probe = await act.probeCluster({ collection });
      seen.push(probe);
      if (isSound(probe) || !server) return undefined;
      const old = await atServer(act, before.server).probeCluster({ collection });
      return mustGoBack(seen.slice(-watchPatience), watchPatience, old);
    },
  };
}

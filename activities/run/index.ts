import type { ArtifactStore } from '../../domain/artifacts.ts';
import type { MarkedStore } from '../../domain/environment-mark.ts';
import { runFolderOf } from '../../domain/names.ts';
import { renderReport } from '../../domain/report-text.ts';
import { runReportSchema } from '../../domain/report.ts';
import type { RunSettings } from '../../domain/settings.ts';
import { putBytes } from '../lines.ts';
import type { RunActivities } from '../contract.ts';
import { compareMarks, compareMarksThatAre, isOf, markStores, mustServe, soon } from './identity.ts';
import { readInitiator, readLeaseHolder } from './initiator.ts';
import { type Channel, tell } from './notify.ts';

/** What the run protocol itself needs of the world. */
export interface RunDependencies {
  readonly settings: Omit<RunSettings, 'collection'>;
  readonly stores: readonly (MarkedStore & { readonly system: 'qdrant' | 'postgres' })[];
  readonly store: ArtifactStore;
  readonly channel?: Channel | undefined;
  /** The collection that a name stands for now: an alias is followed. */
  resolveCollection(name: string): Promise<string>;
}

/** Activities of the run protocol. */
export function createRunActivities({
  settings,
  stores,
  store,
  channel,
  resolveCollection,
}: RunDependencies): RunActivities {
  return {
    async openRun({ damaged } = {}) {
      mustServe(settings.environment);
      const collection = await standsFor(resolveCollection(settings.collectionName), settings, damaged);
      await compareMarks(
        settings.environment,
        stores.filter(({ system }) => system !== damaged),
      );
      await compareMarksThatAre(
        settings.environment,
        stores.filter(({ system }) => system === damaged),
      );
      return { settings: { ...settings, collection }, initiator: await readInitiator() };
    },

    resolveCollection: async () => ({ collection: await resolveCollection(settings.collectionName) }),

    findLeaseHolder: ({ leaseId }) => readLeaseHolder(leaseId),

    notify: (message) => tell(settings.environment, channel, message),

    publishMessage({ folder, name, subject, text }) {
      const key = `${folder}/${name}-${Date.now()}.txt`;
      return putBytes(store, key, Buffer.from(`Subject: ${subject}\n\n${text}`));
    },

    async publishReport({ report }) {
      const checked = runReportSchema.parse(report);
      const folder = runFolderOf(checked.workflowId, checked.runId);
      // A repeat after a lost answer finds the key taken; the time keeps the two apart, and both are the same report.
      const key = `${folder}/report-${Date.now()}`;
      const put = (name: string, text: string): ReturnType<ArtifactStore['put']> =>
        putBytes(store, name, Buffer.from(text));
      return {
        json: await put(`${key}.json`, `${JSON.stringify(checked, null, 2)}\n`),
        markdown: await put(`${key}.md`, renderReport(checked)),
      };
    },

    markEnvironment: async () => ({ marked: await markStores(settings.environment, stores) }),
  };
}

/** A name that a damaged Qdrant cannot explain, or not in time, stands for itself. */
async function standsFor(
  resolved: Promise<string>,
  { collectionName }: Pick<RunSettings, 'collectionName'>,
  damaged: 'postgres' | 'qdrant' | undefined,
): Promise<string> {
  if (damaged !== 'qdrant') return resolved;
  return soon(resolved, collectionName).catch((error: unknown) => {
    if (isOf(error, 'qdrant')) return collectionName;
    throw error;
  });
}

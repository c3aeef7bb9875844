import { discoverApp } from '../activities/app/discover.ts';
import { readDeclared } from '../activities/configuration/declared.ts';
import { discoverDatabase } from '../activities/postgres/discover.ts';
import { discoverCollection } from '../activities/qdrant/discover.ts';
import type { DiscoverySettings } from '../config/discovery.ts';
import type { Declared } from '../domain/declared.ts';
import type { Look } from '../domain/discovery.ts';
import { RecoveryError } from '../domain/failures.ts';

/** Where to look, and at which files of the deployment. */
export interface Sight extends DiscoverySettings {
  readonly healthPath?: string | undefined;
  readonly files?: readonly string[] | undefined;
}

/** Looks at everything, reading only. Each part for itself: one that does not answer keeps nobody from the others. */
export async function lookAtStack(sight: Sight): Promise<Look & { readonly declared: Declared }> {
  const { qdrant, collection, postgresUrl, appUrl, healthPath, files = [] } = sight;
  const leftOut: string[] = [];
  const orNothing = async <T>(what: string, looking: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await looking();
    } catch (error) {
      if (!(error instanceof RecoveryError)) throw error;
      leftOut.push(`${what} is left out: ${error.message}`);
      return undefined;
    }
  };
  const { declared, leftOut: unread } = await readDeclared(files);
  const vectors = qdrant && (await orNothing('Qdrant', () => discoverCollection(qdrant, collection)));
  const ids = vectors?.sample.map(({ id }) => id) ?? [];
  const paths = [...(healthPath === undefined ? [] : [healthPath]), ...declared.health.map(({ path }) => path)];
  const found = {
    qdrant: vectors,
    postgres: postgresUrl && (await orNothing('Postgres', () => discoverDatabase(postgresUrl, ids))),
    app: appUrl === undefined ? undefined : await orNothing('The app', () => discoverApp(appUrl, paths)),
  };
  return { found, leftOut: [...leftOut, ...unread], declared };
}

/** Of the Node that this runs on. */
export function nodeMajor(): number {
  return Number(process.versions.node.split('.')[0]);
}

/** What files of a deployment say of the servers, as far as it can be held against what answers. */

/** Something that stands in a file. */
interface Stated {
  /** Name of the file, and of the service in it. */
  readonly where: string;
}

export interface DeclaredPort extends Stated {
  readonly port: number;
}

export interface DeclaredHealth extends Stated {
  readonly path: string;
  /** The program that asks, where one is named: `curl`. */
  readonly program?: string | undefined;
}

export interface DeclaredVolumes extends Stated {
  /** The image's name, without registry and tag: `qdrant/qdrant`, `postgres`. */
  readonly image: string;
  /** Folders within the container that outlive it. */
  readonly targets: readonly string[];
}

/** Taken together from all the files that are given. */
export interface Declared {
  /** Where the app is said to listen, within its container. */
  readonly ports: readonly DeclaredPort[];
  readonly health: readonly DeclaredHealth[];
  readonly volumes: readonly DeclaredVolumes[];
  /** Programs that the app's image is seen to lack. */
  readonly lacking: readonly string[];
}

export const NOTHING_DECLARED: Declared = { ports: [], health: [], volumes: [], lacking: [] };

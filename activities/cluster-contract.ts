/**
 * What the runbook of complete Qdrant failure asks for, besides what `contract.ts` has. Every activity that uses Qdrant may
 * be asked of another server than the live one: the worker takes `server` off the input and does it there
 * (`workers/follow-live.ts`), so that the activities themselves know of one server only.
 */
import type { Artifact } from '../domain/artifacts.ts';
import type { ClusterProbe } from '../domain/cluster-probe.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { LivePlace, ServerRef } from '../domain/servers.ts';
import type { ShapeDifference } from '../domain/shape.ts';
import type { Gate } from '../domain/verdict.ts';
import type { Resumable } from './contract.ts';

type Shape = RecoverySet['qdrant']['shape'];

/** Where the vectors live, and how it looks there. */
export interface ServerActivities {
  /** One round of looks at the live cluster, from every side. Reads only; what it finds is its answer, and never thrown. */
  probeCluster(input: { collection: string }): Promise<ClusterProbe>;
  /** The record that counts now. @throws STORE_* */
  readLivePlace(): Promise<Pick<LivePlace, 'epoch' | 'server'> & { url: string }>;
  /**
   * Records another server as the live one, as number `epoch` exactly. A record of that number by this very run is adopted.
   * @throws STALE_PLAN when somebody else has recorded one meanwhile
   */
  recordLivePlace(input: { epoch: number; server: ServerRef }): Promise<LivePlace>;
}

/** What a replacement is, before anything is written to it. */
export interface ReplacementSurvey {
  /** Absent for one that is yet to be made. */
  readonly server?: ServerRef | undefined;
  /** In words for the plan: `the standby http://…`. */
  readonly what: string;
  /** Version, keys, emptiness, nodes: each as a gate; a red one refuses before the first write. */
  readonly gates: readonly Gate[];
  /** What cannot be known from here (free disk, price), in sentences. */
  readonly unknown: readonly string[];
}

/** Bringing up what takes the place of a cluster, and taking it away again. By configuration; each looks before it repeats. */
export interface ReplacementActivities {
  /**
   * Looks at what could take the place of the live server, and whether the set fits there. For a standby with a start command
   * that does not run yet, what only a running server tells is told as unknown.
   * @throws INVALID_CONFIGURATION without `qdrantReplacement`
   */
  surveyReplacement(input: { set?: RecoverySet | undefined; collection: string }): Promise<ReplacementSurvey>;
  /**
   * Starts the standby, by its command where there is one, or makes a cluster of Qdrant Cloud of that name, and waits until it
   * answers with its key. One that is there is adopted.
   * @throws REPLACEMENT_FAILED, QDRANT_*
   */
  bringUpReplacement(input: { name: string } & Resumable): Promise<{ server: ServerRef; url: string; version: string }>;
  /** Takes away what `bringUpReplacement` has brought up: by the stop command where there is one, or the cluster of that name. */
  releaseReplacement(input: { name: string }): Promise<void>;
  /** Wakes a cluster of Qdrant Cloud that sleeps, and waits until it is healthy. @throws QDRANT_CLOUD_* */
  wakeCluster(input: Resumable): Promise<{ phase: string }>;
}

/** On one server: making a collection exactly as it was, and filling it. */
export interface CollectionActivities {
  /**
   * Creates a collection exactly as the shape says: every parameter that can be read, shard keys, payload indexes before any
   * point; compares field by field with what was asked. `owner` stands in its metadata (`dr_made_by`), so that another attempt
   * adopts it and only its maker's run may drop it. Strict mode that would get in the way of filling is left to
   * `finishCollection`, and not compared. @returns what could not be made equal
   * @throws NAME_TAKEN when a collection or alias of that name is there that this owner has not made
   */
  createCollection(input: { collection: string; shape: Shape; owner: string }): Promise<ShapeDifference[]>;
  /**
   * The end of it, once the collection is full: puts strict mode on, where it would have got in the way of filling, and compares
   * everything with what was asked. Safe to repeat. @returns what could not be made equal
   */
  finishCollection(input: { collection: string; shape: Shape }): Promise<ShapeDifference[]>;
  /**
   * Restores the snapshots (one a node, in the order of `nodes`) into a collection that `createCollection` of this owner made:
   * checksum, `priority: snapshot`, single flight, exact count afterwards (where `points` tells it). A complete one is adopted.
   * @throws RESTORE_INCOMPLETE (it must be dropped and made anew before the next attempt), SET_TAMPERED, NAME_TAKEN, QDRANT_*
   */
  restoreInto(
    input: { collection: string; owner: string; snapshots: Artifact[]; points?: number | undefined } & Resumable,
  ): Promise<{ points: number }>;
  /** Drops a collection that this owner made, also a half-made one. Absent is fine. @throws NAME_TAKEN for anybody else's */
  dropMade(input: { collection: string; owner: string }): Promise<void>;
  /** Aliases of the collection as given, in one request; an alias that stands for another collection is repointed. */
  setAliases(input: {
    collection: string;
    aliases: string[];
  }): Promise<{ before: { alias: string; collection: string | null }[] }>;
  /** Puts aliases back to what `setAliases` found: repointed, or removed where there was none. */
  revertAliases(input: { before: { alias: string; collection: string | null }[] }): Promise<void>;
  /**
   * Waits until the optimizer has nothing to do (green twice in a row) and everything is indexed that should be. A server that
   * stays green without indexing is taken at its word: `indexed` tells. @throws RESTORE_INCOMPLETE when it is red, or stands still
   */
  awaitOptimized(
    input: { collection: string } & Resumable,
  ): Promise<{ status: string; indexed: number; points: number }>;
  /**
   * Whether the collection answers as one should: filtered equals unfiltered for every payload index, the ANN answer against the
   * exact one (recall), and how long it takes.
   */
  checkQueries(input: { collection: string; shape: Shape }): Promise<Gate[]>;
  /** TLS as declared: `https` addresses have a certificate that is valid; the others say that there is none. */
  checkTransport(): Promise<Gate[]>;
}

/** The embedding endpoint, against vectors that it has made. */
export interface EmbeddingSpaceActivities {
  /**
   * Embeds the texts of some points of the set again and compares them with the stored vectors: the least cosine, and a gate
   * that is red below the floor. A model that was retired (404, 410 of the endpoint) is a red gate, not a failure.
   * @throws EMBEDDINGS_UNREACHABLE, SET_TAMPERED
   */
  checkEmbeddingSpace(input: { set: RecoverySet }): Promise<{ gate: Gate; leastCosine: number | null; looked: number }>;
}

/** The app's view of where its vectors are. */
export interface RepointActivities {
  /**
   * Tells the app which server (and collection) to use, by its own adapter, and asks it afterwards where the adapter can. Safe to repeat.
   * @throws APP_UNREACHABLE, APP_REFUSED
   */
  repointApp(input: { server: ServerRef; collection: string }): Promise<{ repointed: boolean; said: string }>;
}

export type ClusterActivities = ServerActivities &
  ReplacementActivities &
  CollectionActivities &
  EmbeddingSpaceActivities &
  RepointActivities;

import type { AppLoad } from '../domain/app-load.ts';
import type { AppProbe } from '../domain/app-probe.ts';
import type { TrafficView } from '../domain/app-recovery.ts';
import type { Artifact } from '../domain/artifacts.ts';
import type { Deployed, Release } from '../domain/deployment.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import type { ReleaseFacts } from '../domain/release-choice.ts';
import type { TrafficState } from '../domain/traffic.ts';
import type { Gate } from '../domain/verdict.ts';

/** One of the app's servers, by its name in `appServers.servers`. */
interface At {
  readonly name: string;
}

/** Everything that moves the app from one server to another. */
export interface AppServerActivities {
  /** Where the router sends new requests. @throws TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED */
  readTraffic(): Promise<TrafficView>;
  /** One round of looks, at the server itself, at the way its readers come, and at what it stands on. Whatever is met is an answer. */
  probeApp(input: At): Promise<AppProbe>;
  /** What can be deployed, the newest first, and what runs on that server. @throws CONFIGURATION_REFUSED */
  listReleases(input: At & { set?: RecoverySet | undefined }): Promise<ReleaseFacts>;
  /** A tag, commit, branch or `image@sha256:...` that a person named. @throws INVALID_INPUT when there is none */
  resolveRelease(input: { ref: string }): Promise<Release>;
  /** Whether what the app needs can be restored: names only. @throws SET_TAMPERED, STORE_*, CONFIGURATION_REFUSED */
  checkVariables(input: { set?: RecoverySet | undefined }): Promise<{ names: string[]; gates: Gate[] }>;
  /** What runs there. @throws DEPLOY_UNREACHABLE, DEPLOY_REFUSED */
  findApp(input: At): Promise<Deployed>;
  /**
   * Deploys with the set's variables, which are opened here and nowhere else. What an earlier attempt of the same run has begun is
   * adopted. All output is in the artifact. @throws DEPLOY_UNREACHABLE, DEPLOY_REFUSED, DEPLOY_FAILED
   */
  deployApp(
    input: At & { release: Release; set?: RecoverySet | undefined; key: string; folder: string },
  ): Promise<{ id: string; adopted: boolean; output: Artifact }>;
  /** Stops what runs there. Stopped already, or absent, is fine. @throws DEPLOY_UNREACHABLE, DEPLOY_REFUSED, DEPLOY_FAILED */
  stopApp(input: At): Promise<void>;
  /** Health, and each system that the app stands on, as that server says. */
  checkAppReach(input: At): Promise<Gate[]>;
  /** Every endpoint listed; declared port and health path against the running app. */
  checkEndpoints(input: At & { set?: RecoverySet | undefined }): Promise<Gate[]>;
  /** The golden questions, asked of that server; without a name, the way readers come. */
  checkAnswers(input: Partial<At> & { collection: string; set?: RecoverySet | undefined }): Promise<Gate[]>;
  /** A conversation, begun, continued and read back. Leaves one session behind, which says what it is. */
  checkSession(input: At): Promise<Gate[]>;
  /** CORS for the readers' pages and nobody else; what is protected refuses; the certificate is valid. */
  checkAppSecurity(input: At): Promise<Gate[]>;
  /** A marked request appears in the logs and moves the metrics. */
  checkTelemetry(input: At): Promise<Gate[]>;
  /** Sends new requests to that server. @throws TRAFFIC_CHANGED, TRAFFIC_UNREACHABLE, TRAFFIC_REFUSED */
  pointTraffic(input: At & { expected: TrafficState }): Promise<{ switched: boolean; state: TrafficState }>;
  /** Whether the router sends requests to that server, and whose answers come back. */
  checkRouted(input: At): Promise<Gate[]>;
  /** Sends some requests through the router, as readers do; `from` is how many such looks came before. Whatever is met is an answer. */
  watchApp(input: { set?: RecoverySet | undefined; from: number }): Promise<AppLoad>;
  /** Stops that server, and tries to write through it all the same. @throws DEPLOY_REFUSED, DEPLOY_FAILED */
  fenceApp(input: At): Promise<Gate[]>;
  /** Keeps that this release has passed its gates, for later choices. @throws STORE_* */
  recordRelease(input: { release: Release }): Promise<void>;
}

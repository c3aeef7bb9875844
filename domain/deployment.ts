/** Code that can be deployed: named as people name it, and pinned to what it stands for. */
export interface Release {
  /** What goes into commands and requests: a tag, a commit, a branch, or `image@sha256:...`. */
  readonly ref: string;
  /** The commit or digest that `ref` stood for when it was chosen; a branch or tag may move. */
  readonly pinned: string;
}

/** What runs on a server, as far as whatever deploys there can tell. */
export interface Deployed {
  readonly state: 'running' | 'stopped' | 'absent' | 'unknown';
  /** The pinned commit or digest; null when it cannot be told. */
  readonly release: string | null;
  /** The deployment's own id (container, deploy), for messages and evidence. */
  readonly id: string | null;
}

/** What a deployment is handed, and where it tells how far it is. */
export interface DeployWork {
  readonly signal: AbortSignal;
  /** Where it is: a phase of a few words, and how many of how many. */
  report(progress: { phase: string; done: number; total: number }): void;
  /** Output as it comes. Goes to the store, without any of the secrets. */
  output(text: string): void;
}

/** One way of bringing a release of the app onto one server. */
export interface Deployer {
  /** In words for a plan: `docker at unix:///var/run/docker.sock, container app-backup`. Holds no secret. */
  readonly what: string;
  /** @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED */
  find(signal?: AbortSignal): Promise<Deployed>;
  /**
   * Brings the release up with these variables (their values are secrets) and returns once the target says that it runs. What an
   * earlier attempt of the same `key` has begun is found and adopted; no second one is made.
   * @throws RecoveryError DEPLOY_UNREACHABLE (may pass), DEPLOY_REFUSED (a person must act), DEPLOY_FAILED (it ran and failed; its
   * last words, without secrets)
   */
  deploy(
    input: { readonly release: Release; readonly variables: Readonly<Record<string, string>>; readonly key: string },
    work: DeployWork,
  ): Promise<{ readonly id: string; readonly adopted: boolean }>;
  /** Stops what runs there, so that it serves nobody. Stopped already, or absent, is fine. @throws as `find` */
  stop(work: DeployWork): Promise<void>;
}

import Dockerode from 'dockerode';
import { readFile } from 'node:fs/promises';
import { types } from 'node:util';
import type { DockerDeployConfig } from '../../config/deploy.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { addressOf } from './docker-address.ts';
import { createDemux } from './docker-logs.ts';

export type Container = Dockerode.ContainerInspectInfo;
export type ContainerListed = Dockerode.ContainerInfo;
export type ContainerOptions = Omit<Dockerode.ContainerCreateOptions, 'name'>;

const DEADLINE_MS = 30_000;
/** What a registry says of an image that it has not, or does not give. */
const NOT_GIVEN = /not found|unknown|denied|unauthorized|forbidden|no basic auth|does not exist|invalid reference/i;

/** The parts of an engine's API that a deployment takes. @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED */
export interface Engine {
  /** Undefined when there is none of that name or id. */
  inspect(name: string, signal?: AbortSignal): Promise<Container | undefined>;
  listOf(label: string, signal?: AbortSignal): Promise<readonly ContainerListed[]>;
  /** False when the name is taken. @throws also DEPLOY_FAILED for what the engine cannot make */
  create(name: string, options: ContainerOptions, signal?: AbortSignal): Promise<boolean>;
  /** Started already is fine. @throws also DEPLOY_FAILED for what does not start */
  start(id: string, signal?: AbortSignal): Promise<void>;
  /** It is given so many seconds; it does not come back with the engine. Stopped already, or gone, is fine. */
  stop(container: Container, seconds: number, signal?: AbortSignal): Promise<void>;
  rename(id: string, name: string, signal?: AbortSignal): Promise<void>;
  remove(id: string, signal?: AbortSignal): Promise<void>;
  hasImage(image: string, signal?: AbortSignal): Promise<boolean>;
  pull(image: string, hear: (line: string) => void, signal: AbortSignal): Promise<void>;
  logs(id: string, lines: number, signal?: AbortSignal): Promise<string>;
  /** Until the signal says that it is enough, or the container ends. */
  follow(id: string, hear: (text: string) => void, signal: AbortSignal): Promise<void>;
}

interface Api {
  container(id: string): Dockerode.Container;
  call<T>(work: (abortSignal: AbortSignal) => Promise<T>, how?: Call): Promise<T>;
}

/** @throws RecoveryError DEPLOY_REFUSED where a key cannot be read */
export async function openEngine(config: DockerDeployConfig): Promise<Engine> {
  const [docker, what] = [new Dockerode(await optionsOf(config)), `docker at ${addressOf(config)}`];
  const api: Api = { container: (id) => docker.getContainer(id), call: (work, how = {}) => ask(what, work, how) };
  return {
    ...changesOf(api),
    ...wordsOfContainers(api),
    inspect: (name, signal) =>
      absent(api.call((abortSignal) => api.container(name).inspect({ abortSignal }), { signal })),
    listOf: (label, signal) => {
      const filters = { label: [label] };
      return api.call((abortSignal) => docker.listContainers({ all: true, filters, abortSignal }), { signal });
    },
    create: (name, options, signal) => {
      // As one object it would all go into the address, secrets as well.
      const parts = { _query: { name }, _body: options };
      const make = (abortSignal: AbortSignal): Promise<unknown> => docker.createContainer({ ...parts, abortSignal });
      return settled(api.call(make, { signal, failing: true }), 409);
    },
    hasImage: async (image, signal) =>
      (await absent(api.call(() => docker.getImage(image).inspect(), { signal }))) !== undefined,
    pull: (image, hear, signal) => pull(docker, what, config, { image, hear, signal }),
  };
}

function changesOf({ container: of, call }: Api): Pick<Engine, 'start' | 'stop' | 'rename' | 'remove'> {
  return {
    start: async (id, signal) => {
      await settled(
        call((abortSignal) => of(id).start({ abortSignal }), { signal, failing: true }),
        304,
      );
    },
    stop: async ({ Id: id, HostConfig: { RestartPolicy: policy } }, seconds, signal) => {
      const update = { RestartPolicy: { Name: 'no' } };
      // What is to come back always comes back with the engine, stopped or not.
      if (policy?.Name === 'always')
        await settled(
          call(() => of(id).update(update), { signal }),
          404,
        );
      const stop = (abortSignal: AbortSignal): Promise<unknown> => of(id).stop({ t: seconds, abortSignal });
      await settled(call(stop, { signal, moreMs: seconds * 1000 }), 304, 404);
    },
    rename: async (id, name, signal) => {
      await settled(
        call((abortSignal) => of(id).rename({ name, abortSignal }), { signal }),
        404,
      );
    },
    remove: async (id, signal) => {
      await settled(
        call((abortSignal) => of(id).remove({ force: true, abortSignal }), { signal }),
        404,
        409,
      );
    },
  };
}

function wordsOfContainers({ container: of, call }: Api): Pick<Engine, 'logs' | 'follow'> {
  return {
    logs: async (id, lines, signal) => {
      const options = { follow: false, stdout: true, stderr: true, tail: lines } as const;
      return createDemux().push(await call((abortSignal) => of(id).logs({ ...options, abortSignal }), { signal }));
    },
    follow: async (id, hear, signal) => {
      const demux = createDemux();
      try {
        const options = { follow: true, stdout: true, stderr: true, abortSignal: signal } as const;
        for await (const piece of await of(id).logs(options)) hear(demux.push(piece as Buffer));
      } catch {
        // What it says is a help; how it ends is seen by looking at it.
      }
    },
  };
}

interface Call {
  readonly signal?: AbortSignal | undefined;
  readonly moreMs?: number;
  /** A refusal means that the release itself cannot run. */
  readonly failing?: boolean;
}

/** An answer that is no failure to whoever expects it. */
class Answered extends RecoveryError {
  readonly status: number;

  constructor(code: 'DEPLOY_REFUSED' | 'DEPLOY_FAILED', status: number, message: string, options: ErrorOptions) {
    super(code, message, options);
    this.status = status;
  }
}

async function ask<T>(what: string, work: (abortSignal: AbortSignal) => Promise<T>, how: Call): Promise<T> {
  how.signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(DEADLINE_MS + (how.moreMs ?? 0));
  const stop = how.signal ? AbortSignal.any([how.signal, deadline]) : deadline;
  try {
    // Not every call of the library heeds a signal.
    return await Promise.race([work(stop), given(stop)]);
  } catch (error) {
    how.signal?.throwIfAborted();
    const status = statusOf(error);
    if (deadline.aborted) throw unreachable(what, `no answer within ${DEADLINE_MS / 1000} s`, error);
    if (status !== undefined && ![502, 503, 504].includes(status))
      throw new Answered(how.failing ? 'DEPLOY_FAILED' : 'DEPLOY_REFUSED', status, `${what}: ${wordsOf(error)}`, {
        cause: error,
      });
    if (/^(?:EACCES|EPROTO|ERR_|CERT_|UNABLE_|DEPTH_|SELF_SIGNED)/.test(codeOf(error)))
      throw new RecoveryError('DEPLOY_REFUSED', `${what}: ${wordsOf(error)}`, { cause: error });
    throw unreachable(what, wordsOf(error), error);
  }
}

function given(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
  });
}

/** False for an answer with one of these statuses. */
async function settled(asked: Promise<unknown>, ...statuses: readonly number[]): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (error instanceof Answered && statuses.includes(error.status)) return false;
    throw error;
  }
}

async function absent<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof Answered && error.status === 404) return undefined;
    throw error;
  });
}

async function pull(
  docker: Dockerode,
  what: string,
  { registry, pullMinutes }: DockerDeployConfig,
  { image, hear, signal }: { image: string; hear: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const deadline = AbortSignal.timeout(pullMinutes * 60_000);
  const abortSignal = AbortSignal.any([signal, deadline]);
  const authconfig = registry && {
    username: registry.username,
    password: registry.password.reveal(),
    serveraddress: registry.server,
  };
  try {
    const stream = await docker.pull(image, { abortSignal, ...(authconfig ? { authconfig } : {}) });
    const progress = ({ id, status }: { id?: string; status?: string }): void =>
      hear([id, status].filter(Boolean).join(' '));
    const pulled = new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()), progress);
    });
    await Promise.race([pulled, given(abortSignal)]);
  } catch (error) {
    signal.throwIfAborted();
    const words = deadline.aborted ? `not pulled within ${pullMinutes} min` : wordsOf(error);
    const code = NOT_GIVEN.test(words) ? 'DEPLOY_REFUSED' : 'DEPLOY_UNREACHABLE';
    throw new RecoveryError(code, `${what}: ${image}: ${words}`, { cause: error });
  }
}

/** Each is said, since what is left out is taken from the worker's own variables. */
async function optionsOf({ socket, tcp }: DockerDeployConfig): Promise<Dockerode.DockerOptions> {
  if (!tcp)
    return { socketPath: socket, host: undefined, protocol: 'http', ca: undefined, cert: undefined, key: undefined };
  const files = [tcp.caFile, tcp.certFile, tcp.keyFile].map((file) =>
    readFile(file, 'utf8').catch((cause: unknown) => {
      throw new RecoveryError('DEPLOY_REFUSED', `${file} cannot be read: ${codeOf(cause)}`, { cause });
    }),
  );
  const [ca, cert, key] = await Promise.all(files);
  return { host: tcp.host, port: tcp.port, protocol: 'https', ca, cert, key };
}

function statusOf(error: unknown): number | undefined {
  if (!types.isNativeError(error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

function codeOf(error: unknown): string {
  return types.isNativeError(error) && 'code' in error ? String(error.code) : '';
}

function wordsOf(error: unknown): string {
  const words = types.isNativeError(error) ? error.message || codeOf(error) : String(error);
  return words.replace(/\s+/g, ' ').trim().slice(0, 500);
}

function unreachable(what: string, why: string, cause: unknown): RecoveryError {
  return new RecoveryError('DEPLOY_UNREACHABLE', `${what}: ${why}`, { cause });
}

import { existsSync, globSync, readFileSync } from 'node:fs';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterEnvironment, endLeftover, runProgram } from './cluster.ts';
import type { State, Target, Timeline } from './state.ts';

const ARCHIVED_MS = 30_000;
const LOOK_EVERY_MS = 5;
/** A server that is just ending may still put something into a folder. */
const REMOVING = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 } as const;

/**
 * Written beside and renamed, so that a file in the archive is whole; one that is there already is fine when it is the
 * same (the server may have died before it noted that), and is never replaced. Relative to the data folder, where
 * Postgres runs it: no path of ours needs quoting.
 */
export const ARCHIVING: Readonly<Record<string, string>> = {
  archive_mode: 'on',
  archive_command:
    'cmp -s %p ../archive/%f || ' +
    '(test ! -e ../archive/%f && cp %p ../archive/%f.part && mv ../archive/%f.part ../archive/%f)',
};

/** The files of all timelines: `<home>/<timeline>/{data, archive, log}`, and `base` with the first. */
export class History {
  readonly environment: ClusterEnvironment;
  readonly #home: string;
  readonly #state: State;

  constructor(environment: ClusterEnvironment, home: string, state: State) {
    this.environment = environment;
    this.#home = home;
    this.#state = state;
  }

  folder(id: string): string {
    return join(this.#home, id);
  }

  timeline(id: string): Timeline {
    const found = this.#state.timelines[id];
    if (!found) throw new Error(`no timeline ${id}`);
    return found;
  }

  /** A timeline and all that it comes from, itself first. */
  lineage(id: string): string[] {
    const { origin } = this.timeline(id);
    return origin === null ? [id] : [id, ...this.lineage(origin.timeline)];
  }

  /** An empty folder for a cluster; what was there before, and ran over it, is gone. */
  async prepare(id: string, ...parts: readonly string[]): Promise<string> {
    const folder = this.folder(id);
    await endLeftover(this.environment, folder);
    await rm(folder, REMOVING);
    for (const path of [folder, ...parts.map((part) => join(folder, part))]) await this.#makeFolder(path);
    return folder;
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { user } = this.environment;
    if (user) await chown(path, user.uid, user.gid);
  }

  /** Keeps a copy of a cluster that was shut down in good order: every later moment is replayed from here. */
  async keepBase(id: string): Promise<void> {
    const folder = this.folder(id);
    await runProgram(this.environment, 'cp', ['-a', join(folder, 'data'), join(folder, 'base')], folder);
  }

  /** Puts the base into `folder`, ready to be recovered. */
  async copyBase(lineage: readonly string[], folder: string): Promise<void> {
    const base = join(this.folder(lineage.at(-1) ?? ''), 'base');
    await runProgram(this.environment, 'cp', ['-a', base, join(folder, 'data')], folder);
    await this.signal(folder, 'recovery');
  }

  /** How a cluster is to start next: replaying, or as a standby, which nobody can write to. */
  async signal(folder: string, how: 'recovery' | 'standby'): Promise<void> {
    const path = join(folder, 'data', `${how}.signal`);
    await writeFile(path, '');
    const { user } = this.environment;
    if (user) await chown(path, user.uid, user.gid);
  }

  /**
   * Settings that replay the log of a lineage up to a moment. Each timeline has an archive of its own, since sisters
   * give their files the same names.
   */
  recovery(lineage: readonly string[], target: Target): Record<string, string> {
    const archives = lineage.map((id) => `../../${id}/archive`).join(' ');
    return {
      restore_command: `for archive in ${archives}; do test -f $archive/%f && exec cp $archive/%f %p; done; exit 1`,
      recovery_target_timeline: 'latest',
      recovery_target_action: 'promote',
      ...(target.kind === 'lsn'
        ? // "Up to a position" means what lies before it.
          { recovery_target_lsn: target.lsn, recovery_target_inclusive: 'off' }
        : // Postgres does not know the letter Z.
          { recovery_target_time: target.time.replace(/z$/i, '+00') }),
    };
  }

  /** The position at which a timeline left the one that it comes from. @throws Error when it has left none */
  forkOf(id: string): string {
    const files = globSync('*.history', { cwd: join(this.folder(id), 'data', 'pg_wal') }).sort();
    const newest = files.at(-1);
    const text = newest === undefined ? '' : readFileSync(join(this.folder(id), 'data', 'pg_wal', newest), 'utf8');
    const fork = text.trimEnd().split('\n').at(-1)?.split('\t')[1];
    if (fork === undefined) throw new Error(`the cluster of ${id} was not recovered from another`);
    return fork;
  }

  /** Waits until a file of the log is in a timeline's archive. */
  async archived(id: string, file: string): Promise<void> {
    const path = join(this.folder(id), 'archive', file);
    for (const deadline = Date.now() + ARCHIVED_MS; !existsSync(path); await pause(LOOK_EVERY_MS)) {
      if (Date.now() > deadline) throw new Error(`${file} of ${id} was not archived in time`);
    }
  }

  /** Removes a timeline that nobody uses: its cluster at once, its archive when nothing younger needs it. */
  async remove(id: string): Promise<void> {
    this.timeline(id).dropped = true;
    await rm(join(this.folder(id), 'data'), REMOVING);
    const needed = new Set(
      Object.values(this.#state.timelines)
        .filter((one) => !one.dropped)
        .flatMap((one) => this.lineage(one.id)),
    );
    for (const one of Object.keys(this.#state.timelines).filter((other) => !needed.has(other))) {
      await rm(this.folder(one), REMOVING);
      Reflect.deleteProperty(this.#state.timelines, one);
    }
  }

  /** Removes what a killed control plane, or one whose memory is gone, has left. */
  async removeAll(prefix: string): Promise<void> {
    for (const name of globSync(`${prefix}*`, { cwd: this.#home })) {
      await endLeftover(this.environment, this.folder(name));
      await rm(this.folder(name), REMOVING);
    }
  }
}

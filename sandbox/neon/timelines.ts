import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, createCluster } from './cluster.ts';
import { ARCHIVING, type History } from './history.ts';
import { unprocessable } from './errors.ts';
import { newId, now } from './ids.ts';
import { compareLsn } from './lsn.ts';
import type { KnownPassword, Target, Timeline } from './state.ts';
import type { Store } from './store.ts';

/** A cluster that nobody uses goes on for a moment: the next request often needs it. */
const LINGER_MS = 2_000;
const MOST_MARKS = 500;

/** Builds, runs and ends the clusters of the timelines. A cluster runs while somebody holds it. */
export class Timelines {
  readonly history: History;
  readonly #store: Store;
  readonly #running = new Map<string, Cluster>();
  readonly #holders = new Map<string, Set<unknown>>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #closed = false;

  constructor(history: History, store: Store) {
    this.history = history;
    this.#store = store;
  }

  /** A timeline that is yet to be built. `since` is the earliest time that it can be asked for. */
  plan(origin: Timeline['origin'], since: string): Timeline {
    const timeline: Timeline = {
      id: newId('tl'),
      origin,
      built: false,
      floorLsn: '0/0',
      floorTime: since,
      passwords: [],
      marks: [],
      logicalSize: 0,
      dropped: false,
    };
    this.#store.state.timelines[timeline.id] = timeline;
    return timeline;
  }

  /** Makes the first cluster of a project, with its role and database, and the base of its history. */
  async buildFirst(id: string, prepare: (cluster: Cluster) => Promise<void>): Promise<void> {
    const { history } = this;
    const folder = await history.prepare(id, 'archive');
    await createCluster(history.environment, folder);
    const cluster = await Cluster.start(history.environment, folder, ARCHIVING, 'open');
    await prepare(cluster);
    const timeline = history.timeline(id);
    timeline.floorLsn = await headOf(cluster);
    timeline.logicalSize = await sizeOf(cluster);
    await cluster.stop();
    await history.keepBase(id);
    timeline.floorTime = now();
    timeline.built = true;
  }

  /** Builds a timeline from the one that it comes from. Done again when it was interrupted. */
  async build(id: string): Promise<void> {
    const timeline = this.history.timeline(id);
    const { origin } = timeline;
    if (timeline.built || origin === null) return;
    await this.archiveBeyond(origin.timeline, origin.target);
    const cluster = await this.#exclusive(id, async () => {
      const lineage = this.history.lineage(origin.timeline);
      const folder = await this.history.prepare(id, 'archive');
      await this.history.copyBase(lineage, folder);
      const settings = { ...ARCHIVING, ...this.history.recovery(lineage, origin.target) };
      const started = await Cluster.start(this.history.environment, folder, settings, 'promoted');
      this.#running.set(id, started);
      return started;
    });
    timeline.floorLsn = this.history.forkOf(id);
    timeline.passwords = this.#inherited(origin.timeline, timeline.floorLsn);
    timeline.logicalSize = await sizeOf(cluster);
    timeline.built = true;
    this.#stopLater(id);
  }

  /** Passwords are data of the cluster: a timeline begins with those that held where it begins. */
  #inherited(origin: string, fork: string): KnownPassword[] {
    return this.history.timeline(origin).passwords.filter(({ lsn }) => compareLsn(lsn, fork) <= 0);
  }

  /** The cluster of a timeline, running until `release` with the same holder. @throws NeonError 422 before it is built */
  async hold(id: string, holder: unknown): Promise<Cluster> {
    if (!this.history.timeline(id).built) throw unprocessable('branch not ready yet');
    const holders = this.#holders.get(id) ?? new Set();
    this.#holders.set(id, holders.add(holder));
    try {
      return await this.#exclusive(id, () => this.#start(id));
    } catch (error) {
      this.release(id, holder);
      throw error;
    }
  }

  release(id: string, holder: unknown): void {
    this.#holders.get(id)?.delete(holder);
    this.#stopLater(id);
  }

  async use<T>(id: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const holder = Symbol();
    const cluster = await this.hold(id, holder);
    try {
      return await work(cluster);
    } finally {
      this.release(id, holder);
    }
  }

  /** Ends a cluster now, and its sessions with it, unless somebody else holds it. */
  async stop(id: string): Promise<void> {
    await this.#exclusive(id, async () => {
      if ((this.#holders.get(id)?.size ?? 0) > 0) return;
      await this.#running.get(id)?.stop();
      this.#running.delete(id);
    });
  }

  isRunning(id: string): boolean {
    return this.#running.get(id)?.running ?? false;
  }

  /** The position after everything that a timeline holds. */
  async head(id: string): Promise<string> {
    return this.use(id, headOf);
  }

  /** Has the archive reach beyond a moment: recovery fails when the log ends before it. */
  async archiveBeyond(id: string, target: Target): Promise<void> {
    const beyond = ({ time, lsn }: { time: string; lsn: string }): boolean =>
      target.kind === 'time' ? Date.parse(time) > Date.parse(target.time) : compareLsn(lsn, target.lsn) >= 0;
    if (!this.history.timeline(id).marks.some(beyond)) await this.#mark(id);
  }

  /** Puts a commit after everything so far, and that into the archive: every moment until now can be replayed. */
  async #mark(id: string): Promise<void> {
    await this.use(id, async (cluster) => {
      const timeline = this.history.timeline(id);
      const mark = { time: now(), lsn: await headOf(cluster) };
      timeline.logicalSize = await sizeOf(cluster);
      const file = await cluster.session(async (client) => {
        await client.query('select pg_current_xact_id()');
        const { rows } = await client.query<{ file: string }>('select pg_walfile_name(pg_switch_wal()) as file');
        return rows[0]?.file ?? '';
      });
      await this.history.archived(id, file);
      timeline.marks = [...timeline.marks, mark].slice(-MOST_MARKS);
    });
  }

  /** Changes a role's password and remembers since when. */
  async setPassword(id: string, role: string, password: string): Promise<void> {
    await this.use(id, async (cluster) => {
      await setPassword(cluster, role, password);
      this.history.timeline(id).passwords.push({ role, password, lsn: await headOf(cluster) });
    });
  }

  passwordOf(id: string, role: string): string | undefined {
    return this.history.timeline(id).passwords.findLast((one) => one.role === role)?.password;
  }

  async drop(id: string): Promise<void> {
    if (this.#store.state.timelines[id] === undefined) return;
    this.#holders.delete(id);
    await this.stop(id);
    await this.history.remove(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#running.values()].map((cluster) => cluster.stop()));
  }

  async #start(id: string): Promise<Cluster> {
    if (this.#closed) throw new Error('the control plane is stopping');
    const running = this.#running.get(id);
    if (running?.running) return running;
    const { environment } = this.history;
    const started = await Cluster.start(environment, this.history.folder(id), ARCHIVING, 'open');
    this.#running.set(id, started);
    return started;
  }

  #stopLater(id: string): void {
    const unused = (): boolean => (this.#holders.get(id)?.size ?? 0) === 0;
    if (!unused()) return;
    void pause(LINGER_MS, undefined, { ref: false }).then(() =>
      unused() && !this.#closed ? this.stop(id) : undefined,
    );
  }

  /** One start, stop or build of a timeline at a time. */
  #exclusive<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(
      id,
      mine.catch(() => undefined),
    );
    return mine;
  }
}

async function headOf(cluster: Cluster): Promise<string> {
  const [row] = await cluster.query('select pg_current_wal_insert_lsn()::text as lsn');
  return String(row?.['lsn']);
}

async function sizeOf(cluster: Cluster): Promise<number> {
  const [row] = await cluster.query('select sum(pg_database_size(oid))::text as bytes from pg_database');
  return Number(row?.['bytes']);
}

async function setPassword(cluster: Cluster, role: string, password: string): Promise<void> {
  await cluster.session(async (client) => {
    await client.query(`alter role ${client.escapeIdentifier(role)} password ${client.escapeLiteral(password)}`);
  });
}

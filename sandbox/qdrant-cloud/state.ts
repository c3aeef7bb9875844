import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { CloudError } from './errors.ts';
import {
  type BackupRecord,
  type ClusterRecord,
  documentSchema,
  type KeyRecord,
  type RestoreRecord,
  type ScheduleRecord,
} from './model.ts';

type Document = z.infer<typeof documentSchema>;

/** Everything the stand-in knows, in one JSON file that is replaced at every change: small, and there after a kill. */
export class CloudState {
  readonly folder: string;
  readonly #file: string;
  readonly #document: Document;

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.#file = join(folder, 'state.json');
    this.#document = documentSchema.parse(existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, 'utf8')) : {});
  }

  get clusters(): ClusterRecord[] {
    return this.#document.clusters;
  }

  get gone(): string[] {
    return this.#document.gone;
  }

  get backups(): BackupRecord[] {
    return this.#document.backups;
  }

  get schedules(): ScheduleRecord[] {
    return this.#document.schedules;
  }

  get restores(): RestoreRecord[] {
    return this.#document.restores;
  }

  get keys(): KeyRecord[] {
    return this.#document.keys;
  }

  /** Up to when schedules have been looked at; null before the first look. */
  get lookedAt(): string | null {
    return this.#document.lookedAt;
  }

  set lookedAt(time: string) {
    this.#document.lookedAt = time;
  }

  get clockOffsetMs(): number {
    return this.#document.clockOffsetMs;
  }

  set clockOffsetMs(offset: number) {
    this.#document.clockOffsetMs = offset;
  }

  /** The stand-in's time: retention and schedules go by it. */
  now(): Date {
    return new Date(Date.now() + this.#document.clockOffsetMs);
  }

  cluster(id: string): ClusterRecord {
    return found(this.clusters, 'cluster', id);
  }

  backup(id: string): BackupRecord {
    return found(this.backups, 'backup', id);
  }

  schedule(id: string): ScheduleRecord {
    return found(this.schedules, 'backup schedule', id);
  }

  /** Takes a record out of its list; absent is fine. */
  forget<T extends { id: string }>(list: T[], id: string): void {
    const at = list.findIndex((one) => one.id === id);
    if (at >= 0) list.splice(at, 1);
    this.save();
  }

  save(): void {
    writeFileSync(`${this.#file}.part`, JSON.stringify(this.#document, null, 1));
    renameSync(`${this.#file}.part`, this.#file);
  }
}

function found<T extends { id: string }>(list: readonly T[], what: string, id: string): T {
  const one = list.find((record) => record.id === id);
  if (!one) throw new CloudError('NOT_FOUND', `${what} ${id} not found`);
  return one;
}

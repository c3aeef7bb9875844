import { badRequest } from './errors.ts';
import { now } from './ids.ts';
import { compareLsn, parseLsn } from './lsn.ts';
import type { Plane } from './plane.ts';
import type { BranchRecord, Target, Timeline } from './state.ts';

const TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}(:?\d{2})?)$/i;

/** A moment of a branch's history as a request names it. */
export interface Asked {
  readonly lsn?: string | undefined;
  readonly timestamp?: string | undefined;
}

/** A moment that was looked up: where to stop, and from when on the result has a history of its own. */
export interface Moment {
  readonly target: Target;
  readonly since: string;
  /** Known at once for a position, and for the head. */
  readonly lsn: string | null;
  readonly time: string | null;
}

export const isHead = ({ lsn, timestamp }: Asked): boolean => lsn === undefined && timestamp === undefined;

/**
 * Looks up a moment in the history of a branch; without position and time, its head.
 * @throws NeonError 400 for a moment that is none, or not in the history window
 */
export async function findMoment(plane: Plane, branch: BranchRecord, asked: Asked): Promise<Moment> {
  const timeline = plane.timelines.history.timeline(branch.timeline);
  if (asked.lsn !== undefined && asked.timestamp !== undefined) {
    throw badRequest('lsn and timestamp cannot be specified at the same time');
  }
  const head = await plane.timelines.head(timeline.id);
  if (asked.timestamp !== undefined) return atTime(plane, timeline, asked.timestamp);
  if (asked.lsn !== undefined) return atPosition(plane, timeline, asked.lsn, head);
  return { target: { kind: 'lsn', lsn: head }, since: now(), lsn: head, time: now() };
}

function windowStart({ state }: Plane): number {
  const seconds = state.project.historyRetentionSeconds;
  if (seconds === 0) throw badRequest('history retention is disabled for this project');
  return Date.now() - seconds * 1_000;
}

function atTime(plane: Plane, timeline: Timeline, text: string): Moment {
  const time = Date.parse(text);
  if (!TIME.test(text) || Number.isNaN(time))
    throw badRequest(`invalid timestamp '${text}': RFC 3339 with a zone is needed`);
  if (time > Date.now()) throw badRequest('The provided timestamp is in the future');
  if (time < windowStart(plane) || time < Date.parse(timeline.floorTime)) {
    throw badRequest('The provided timestamp is before the retention window for your project');
  }
  return { target: { kind: 'time', time: text }, since: new Date(time).toISOString(), lsn: null, time: text };
}

function atPosition(plane: Plane, timeline: Timeline, lsn: string, head: string): Moment {
  if (parseLsn(lsn) === undefined) throw badRequest(`invalid lsn '${lsn}'`);
  const start = windowStart(plane);
  const expired = timeline.marks.findLast(({ time }) => Date.parse(time) < start);
  const floor = expired && compareLsn(expired.lsn, timeline.floorLsn) > 0 ? expired.lsn : timeline.floorLsn;
  if (compareLsn(lsn, floor) < 0) throw badRequest(`invalid branch start lsn: less than latest GC cutoff ${floor}`);
  if (compareLsn(lsn, head) > 0) throw badRequest(`invalid branch start lsn: ${lsn} is after the last one, ${head}`);
  return { target: { kind: 'lsn', lsn }, since: now(), lsn, time: null };
}

import type { Work } from '../activities/progress.ts';

/** For calls that are made outside of a workflow: progress is not told, nobody cancels. */
export const ALONE: Work = { resume: undefined, signal: new AbortController().signal, report: (): void => undefined };

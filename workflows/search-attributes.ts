import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/**
 * What lists of runs can be filtered by. Set inside the workflow, since the Web UI's start form sets none. They are
 * stored unencrypted: no names of people, no content.
 */
export const scenario = defineSearchAttributeKey('DrScenario', SearchAttributeType.KEYWORD);
export const environment = defineSearchAttributeKey('DrEnvironment', SearchAttributeType.KEYWORD);
export const phase = defineSearchAttributeKey('DrPhase', SearchAttributeType.KEYWORD);
export const outcome = defineSearchAttributeKey('DrOutcome', SearchAttributeType.KEYWORD);
/** Of an ended run: `pass`, `fail` or `unproven`. */
export const verdict = defineSearchAttributeKey('DrVerdict', SearchAttributeType.KEYWORD);
export const drill = defineSearchAttributeKey('DrDrill', SearchAttributeType.BOOL);
export const rtoSeconds = defineSearchAttributeKey('DrRtoSeconds', SearchAttributeType.INT);

/** All of them: what must be registered in a namespace before the first run. */
export const SEARCH_ATTRIBUTES = [scenario, environment, phase, outcome, verdict, drill, rtoSeconds] as const;

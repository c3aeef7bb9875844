/**
 * `EVERY_STEP=1`: the worker is killed in every step that a test knows, every fault is tried, and every way of deploying is held to
 * the whole contract. By default some are: each costs seconds, and all together more than anybody waits for.
 */
export const EVERY_STEP = process.env['EVERY_STEP'] === '1';

import { fileURLToPath } from 'node:url';

/** The entry of the workflow bundle. */
export const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

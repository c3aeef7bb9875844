import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const project = fileURLToPath(new URL('../..', import.meta.url));
/** Everything that is provided or written at run time and can be thrown away. */
export const sandboxFolder = join(project, '.sandbox');

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Found {
  readonly path: string;
  /** For people: where it was found. */
  readonly from: 'configured' | 'PATH' | 'provided';
}

export interface Places {
  /** Path that somebody set; when it is no program, that is an error and no reason to look elsewhere. */
  readonly configured?: string | undefined;
  /** The variable to set, for the error message. */
  readonly variable: string;
  readonly searchPath: string;
  /** Folder of what the launcher provided. */
  readonly provided: string;
  /** Says no to a program on PATH that will not do. */
  readonly accept?: (path: string) => boolean;
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Finds a program: what is configured, then PATH, then what the launcher provided. Undefined when it is nowhere.
 * @throws Error when the configured path is no program
 */
export function findProgram(name: string, places: Places): Found | undefined {
  if (places.configured !== undefined) {
    if (!isProgram(places.configured)) throw new Error(`${places.variable} names no program: ${places.configured}`);
    return { path: places.configured, from: 'configured' };
  }
  const accept = places.accept ?? (() => true);
  const onPath = places.searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => isProgram(path) && accept(path));
  if (onPath) return { path: onPath, from: 'PATH' };
  const provided = join(places.provided, name);
  return isProgram(provided) ? { path: provided, from: 'provided' } : undefined;
}

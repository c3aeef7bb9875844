/** Where programs are looked for when no folder is configured. */
export function searchPath(): string | undefined {
  return process.env.PATH;
}

/** The process's own variables, for secrets that are referred to by name and for the commands that fetch them. */
export function workerEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Of the worker's own variables what any program needs, and none that opens anything. */
const HARMLESS = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SSH_AUTH_SOCK', 'DOCKER_CONFIG'];

/** What commands are given that deploy the app or read its log: whatever they print is kept. */
export function programEnvironment(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(HARMLESS.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

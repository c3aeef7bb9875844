/** Where programs are looked for when no folder is configured. */
export function searchPath(): string | undefined {
  return process.env.PATH;
}

/** The process's own variables, for secrets that are referred to by name and for the commands that fetch them. */
export function workerEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** Where programs are looked for when no folder is configured. */
export function searchPath(): string | undefined {
  return process.env.PATH;
}

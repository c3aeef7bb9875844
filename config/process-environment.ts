/**
 * Everything that this process was given, for commands that the settings name: how they find a vault and prove who they are
 * is theirs to know.
 */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env };
}

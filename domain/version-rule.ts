/**
 * Whether a snapshot of one version of Qdrant may be restored on another: the same minor (patch equal or newer) or the next
 * one, never an older. Stated by a maintainer in qdrant/qdrant#10273.
 * @returns why not; `undefined` when it may
 */
export function whyNotOn(snapshot: string, server: string): string | undefined {
  const [from, to] = [numbersOf(snapshot), numbersOf(server)];
  if (!from || !to) return `${from ? server : snapshot} is no version that could be compared`;
  const rule = `a snapshot of ${snapshot} needs ${from.major}.${from.minor}.${from.patch} or newer of that minor, or ${from.major}.${from.minor + 1}`;
  if (to.major !== from.major || to.minor < from.minor || to.minor > from.minor + 1) return rule;
  return to.minor === from.minor && to.patch < from.patch ? rule : undefined;
}

interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

function numbersOf(text: string): Version | undefined {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}

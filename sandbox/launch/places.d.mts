export function namedPlaces(env: Readonly<Record<string, string | undefined>>, args: readonly string[]): string[];

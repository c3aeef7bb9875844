export function parseEnvironment(text: string): Record<string, string>;
export function readCurrent(folder: string): { name: string; variables: Record<string, string> } | undefined;

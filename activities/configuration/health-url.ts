import type { DeclaredHealth, DeclaredPort } from '../../domain/declared.ts';

const HEALTH_URL = /https?:\/\/[^/\s'"]*?(?::(\d{1,5}))?(\/[\w./-]*)/;

/** What a health check asks, where it is an address on the container itself. */
export function healthOf(where: string, test: string): { ports: DeclaredPort[]; health: DeclaredHealth[] } {
  const [, port, path] = HEALTH_URL.exec(test) ?? [];
  const program = /\b(curl|wget)\b/.exec(test)?.[1];
  return { ports: portOf(where, port), health: path === undefined ? [] : [{ where, path, program }] };
}

/** The port that a command line lets something listen on. */
export function portIn(command: string): string | undefined {
  return /--port[= ",]+(\d{1,5})/.exec(command)?.[1] ?? /--bind[= ",]+[\d.]*:(\d{1,5})/.exec(command)?.[1];
}

export function portOf(where: string, port: string | undefined): DeclaredPort[] {
  return port === undefined ? [] : [{ where, port: Number(port) }];
}

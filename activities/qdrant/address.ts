/** Where the server is, in the parts that the vendor's client wants. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly https: boolean;
  /** Path in front of every route, without a slash at its end; '' for none. */
  readonly prefix: string;
}

const QDRANT_PORT = 6333;

/**
 * Reads a URL as Qdrant's own clients do, so that one `QDRANT_URL` serves the app and us: without a port it means 6333.
 * A port that is written is honoured even when it is the scheme's own, which `URL` does not show.
 */
export function addressOf(url: string): Address {
  const { hostname, protocol, pathname } = new URL(url);
  const written = /^https?:\/\/[^/?#]*:([0-9]+)(?:[/?#]|$)/i.exec(url)?.[1];
  return {
    host: hostname,
    port: written === undefined ? QDRANT_PORT : Number(written),
    https: protocol === 'https:',
    prefix: pathname.replace(/\/+$/, ''),
  };
}

/** A collection's path, whatever characters its name has. */
export function pathOf(collection: string, rest = ''): string {
  return `/collections/${encodeURIComponent(collection)}${rest}`;
}

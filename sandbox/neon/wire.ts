/** The first messages of Postgres's protocol, as far as a proxy has to understand them. */
const PROTOCOL_3 = 3;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const CANCEL_REQUEST = 80_877_102;
const LARGEST_STARTUP = 10_000;

export type First =
  | { readonly kind: 'encryption' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'startup'; readonly version: number; readonly parameters: ReadonlyMap<string, string> };

/** Reads the first message; undefined while it is not complete. @throws Error when it is none */
export function readFirst(bytes: Buffer): { message: First; length: number } | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readInt32BE(0);
  const code = bytes.readInt32BE(4);
  if (length < 8 || length > LARGEST_STARTUP) throw new Error('this is not the Postgres protocol');
  if (bytes.length < length) return undefined;
  if (code === SSL_REQUEST || code === GSS_REQUEST) return { message: { kind: 'encryption' }, length };
  if (code === CANCEL_REQUEST) return { message: { kind: 'cancel' }, length };
  if (code >>> 16 !== PROTOCOL_3) throw new Error(`protocol ${code >>> 16} is not supported`);
  const texts = bytes.subarray(8, length).toString('utf8').split('\0');
  const parameters = new Map<string, string>();
  for (let at = 0; texts[at]; at += 2) parameters.set(texts[at] ?? '', texts[at + 1] ?? '');
  return { message: { kind: 'startup', version: code, parameters }, length };
}

export function writeStartup(version: number, parameters: ReadonlyMap<string, string>): Buffer {
  const text = [...parameters].map(([name, value]) => `${name}\0${value}\0`).join('');
  const body = Buffer.from(`${text}\0`, 'utf8');
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(version, 4);
  return Buffer.concat([head, body]);
}

/** A refusal, as the server would send it. */
export function writeFatal(message: string, code = '08006'): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`, 'utf8');
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** What the startup parameter `options` asks of the proxy, and what is left for the server. */
export interface ProxyOptions {
  readonly rest: string;
  /** `endpoint=…`, which may name a branch, as the host name does at Neon. */
  readonly endpoint: string | undefined;
  readonly timestamp: string | undefined;
  readonly lsn: string | undefined;
}

export function readOptions(options: string | undefined): ProxyOptions {
  const words = (options ?? '').split(/(?<!\\)\s+/).filter((word) => word !== '');
  const valueOf = (start: string): string | undefined =>
    words.find((word) => word.startsWith(start))?.slice(start.length);
  const ours = ['endpoint=', 'project=', 'neon_'];
  return {
    rest: words.filter((word) => !ours.some((start) => word.startsWith(start))).join(' '),
    endpoint: valueOf('endpoint=') ?? valueOf('project='),
    timestamp: valueOf('neon_timestamp:'),
    lsn: valueOf('neon_lsn:'),
  };
}

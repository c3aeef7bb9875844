import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { gunzipSync, inflateSync } from 'node:zlib';
import { expand, MissingVariable, rawBytes, type Variables } from './expand.ts';
import { parseJson, writeJson, type Json } from './json.ts';
import type { Case, Part } from './recording.ts';

export type Exchange = { status: number; headers: Record<string, string>; data: Buffer };
type Payload = { type: string; bytes: Buffer } | undefined;

const BOUNDARY = 'contract-part-5be1';

export function payloadOf(one: Case, variables: Variables, artifacts: Map<string, Buffer>): Payload {
  if (one.multipart) {
    const parts = (expand(one.multipart as unknown as Json, variables) as unknown as Part[]).map((part) =>
      multipartPart(part, artifacts),
    );
    return {
      type: `multipart/form-data; boundary=${BOUNDARY}`,
      bytes: Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]),
    };
  }
  if (one.rawBody !== undefined) return { type: 'application/json', bytes: rawBytes(one.rawBody, variables) };
  if (one.body === undefined) return undefined;
  return { type: 'application/json', bytes: Buffer.from(writeJson(expand(one.body, variables))) };
}

function multipartPart(part: Part, artifacts: Map<string, Buffer>): Buffer {
  const file = part.filename === undefined ? '' : `; filename="${part.filename}"`;
  const head =
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${part.name}"${file}\r\n` +
    'content-type: application/octet-stream\r\n\r\n';
  return Buffer.concat([Buffer.from(head), partBytes(part.content, artifacts), Buffer.from('\r\n')]);
}

function partBytes(content: Part['content'], artifacts: Map<string, Buffer>): Buffer {
  if (typeof content === 'string') return Buffer.from(content);
  const kept = artifacts.get(content.artifact);
  if (!kept) throw new MissingVariable(`no artifact ${content.artifact}`);
  return kept.subarray(0, Math.floor(kept.length * (content.keepFraction ?? 1)));
}

/** One exchange on a connection of its own. An answer counts even when it comes before the body is sent. */
export function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
  timeoutMs: number,
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const start = url.startsWith('https:') ? httpsRequest : httpRequest;
    const lengths = body ? { 'content-length': String(body.length) } : {};
    const { hostname, port } = new URL(url);
    const path = url.replace(/^https?:\/\/[^/]*/, ''); // as given: a URL would resolve the two dots of a bad name
    const options = { hostname, port, path, method, agent: false, headers: { ...headers, ...lengths } };
    const sent = start(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const received = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(received) as Record<string, string>,
          data: Buffer.concat(chunks),
        });
        sent.destroy();
      });
    });
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

function decoded(data: Buffer, encoding: string | undefined): Buffer {
  try {
    if (encoding === 'gzip') return gunzipSync(data);
    if (encoding === 'deflate') return inflateSync(data);
  } catch {
    // Not what its header says: described as it came.
  }
  return data;
}

/** JSON parsed, text as text, anything else by size, hash and whether it is a tar. */
export function describeBody({ data, headers }: Exchange): Json {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
  const plain = decoded(data, headers['content-encoding']);
  if (data.length === 0) return null;
  if (type === 'application/json') {
    try {
      return parseJson(plain.toString('utf8'));
    } catch {
      // Described as bytes below.
    }
  }
  if (type.startsWith('text/') || (type === '' && !plain.includes(0))) return plain.toString('utf8');
  return {
    bytes: data.length,
    sha256: createHash('sha256').update(plain).digest('hex'),
    isTar: plain.subarray(257, 262).toString('latin1') === 'ustar',
  };
}

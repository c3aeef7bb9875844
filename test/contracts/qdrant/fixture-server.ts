import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Seen = Record<'method' | 'path' | 'api-key' | 'authorization' | 'range', string | null>;

/**
 * What a server under test downloads from: /artifact/NAME, /truncated/NAME, /redirect/NAME, /text and /status/CODE.
 * GET /requests tells what came in since it was last asked.
 */
export class FixtureServer {
  readonly artifacts = new Map<string, Buffer>();
  private seen: Seen[] = [];
  private readonly server: Server = createServer((request, response) => this.answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    const [, kind = '', name = ''] = /^\/([^/]*)\/?(.*)$/.exec(path) ?? [];
    response.setHeader('connection', 'close');
    if (kind === 'requests') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.seen.splice(0)));
      return;
    }
    this.note(request, path);
    const archive = this.artifacts.get(name);
    if (kind === 'status') this.text(response, Number(name), 'fixture says no');
    else if (kind === 'text') this.text(response, 200, 'this is not a snapshot, '.repeat(100));
    else if (archive === undefined) this.text(response, 404, 'no such artifact');
    else if (kind === 'redirect') response.writeHead(302, { location: `/artifact/${name}`, 'content-length': 0 }).end();
    else this.send(response, archive, kind === 'truncated');
  }

  private note(request: IncomingMessage, path: string): void {
    const header = (name: string): string | null => request.headers[name]?.toString() ?? null;
    this.seen.push({
      method: request.method ?? '',
      path,
      'api-key': header('api-key'),
      authorization: header('authorization'),
      range: header('range'),
    });
  }

  private text(response: ServerResponse, status: number, text: string): void {
    response.writeHead(status, { 'content-type': 'text/plain', 'content-length': text.length }).end(text);
  }

  private send(response: ServerResponse, archive: Buffer, truncated: boolean): void {
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': archive.length });
    if (!truncated) response.end(archive);
    else response.write(archive.subarray(0, archive.length >> 1), () => response.destroy());
  }
}

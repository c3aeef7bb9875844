import { connect, type TLSSocket } from 'node:tls';
import type { Gate } from '../domain/verdict.ts';

const CONNECT_MS = 5_000;

/** A server, as far as a handshake needs it. */
export interface Endpoint {
  readonly https: boolean;
  readonly host: string;
  readonly port: number;
}

type Seen = { readonly until: string } | { readonly refused: string } | { readonly silent: string };

/**
 * Whether the connection is protected as the address declares: behind `https` a certificate that this machine takes for that
 * name; for `http` it is only said that nothing is.
 */
export async function checkTransport({ https, host, port }: Endpoint): Promise<Gate[]> {
  if (!https) {
    const expected = 'as the address declares: http, without TLS';
    return [
      { name: 'transport', verdict: 'pass', expected, observed: 'no TLS: keys and contents travel in the clear' },
    ];
  }
  const expected = `a certificate for ${host} that is valid`;
  const seen = await shake(host, port);
  if ('until' in seen)
    return [{ name: 'transport', verdict: 'pass', expected, observed: `TLS, certificate valid until ${seen.until}` }];
  if ('refused' in seen) return [{ name: 'transport', verdict: 'fail', expected, observed: seen.refused }];
  return [{ name: 'transport', verdict: 'unproven', expected, observed: `no answer: ${seen.silent}` }];
}

/** One handshake. What speaks no TLS, or shows a certificate that is not taken, refuses; what does not answer proves nothing. */
async function shake(host: string, port: number): Promise<Seen> {
  const name = host.replace(/^\[|\]$/g, '');
  // Node's own rule: an address of numbers is no server name.
  const servername = /^[0-9.]+$|:/.test(name) ? {} : { servername: name };
  const socket: TLSSocket = connect({ host: name, port, ...servername, rejectUnauthorized: true });
  const seen = await new Promise<Seen>((resolve) => {
    socket.setTimeout(CONNECT_MS, () => resolve({ silent: `none within ${CONNECT_MS / 1_000} s` }));
    socket.once('secureConnect', () => resolve({ until: socket.getPeerCertificate().valid_to }));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.syscall === undefined ? { refused: error.message } : { silent: error.message }),
    );
  });
  socket.destroy();
  return seen;
}

import { createConnection, type Socket } from 'node:net';
import { RecoveryError } from '../../domain/failures.ts';

const DEADLINE_MS = 10_000;
/** An admin socket that is there and is not for us. */
const DENIED = ['EACCES', 'EPERM'];

/**
 * One line of commands to HAProxy's runtime API, and all that it says until it hangs up.
 * @throws RecoveryError TRAFFIC_UNREACHABLE, whether it was carried out is unknown; TRAFFIC_REFUSED
 */
export async function askHaproxy(socket: string, line: string, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const stop = signal ? AbortSignal.any([signal, deadline]) : deadline;
  const connection = createConnection(placeOf(socket));
  const abort = (): void => void connection.destroy(new Error(`no answer within ${DEADLINE_MS / 1000} s`));
  stop.addEventListener('abort', abort);
  try {
    // HAProxy takes one line and hangs up after its answer.
    connection.write(`${line}\n`);
    const said = await read(connection);
    if (!said.endsWith('\n')) throw new Error('it hung up before the end of its answer');
    return said;
  } catch (error) {
    signal?.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why = error instanceof Error ? error.message || code : String(error);
    const failure = DENIED.includes(code) ? 'TRAFFIC_REFUSED' : 'TRAFFIC_UNREACHABLE';
    throw new RecoveryError(failure, `HAProxy at ${socket}: ${why}`, { cause: error });
  } finally {
    stop.removeEventListener('abort', abort);
    connection.destroy();
  }
}

function placeOf(socket: string): { path: string } | { host: string; port: number } {
  if (socket.startsWith('/')) return { path: socket };
  const at = socket.lastIndexOf(':');
  return { host: socket.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(socket.slice(at + 1)) };
}

async function read(connection: Socket): Promise<string> {
  let text = '';
  for await (const piece of connection.setEncoding('utf8')) text += String(piece);
  return text;
}

import { connect } from 'node:net';

/** A connection is all: whether what is meant answers there is asked next. @throws the system's error, or one of the signal */
export async function knock(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      signal.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
    });
    return `port ${port} takes connections`;
  } finally {
    socket.destroy();
  }
}

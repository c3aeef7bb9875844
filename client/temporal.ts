import { Client, Connection } from '@temporalio/client';
import { loadTemporalConnection } from '../config/temporal.ts';
import { type Context, identityOf } from './context.ts';
import { Problem } from './problem.ts';

const CONNECT_MS = 5_000;
/** Deadline of a call that the server answers by itself. */
export const CALL_MS = 10_000;
/** Deadline of a call that a worker must answer. */
export const WORKER_MS = 30_000;

/** A client whose every call has a deadline. */
export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly namespace: string;
  readonly address: string;
  /** @throws a gRPC DEADLINE_EXCEEDED error: the outcome of the call is then unknown */
  readonly within: <T>(milliseconds: number, call: () => Promise<T>) => Promise<T>;
}

/** Opens a connection for as long as `use` runs. @throws Problem (exit 4) when Temporal cannot be reached */
export async function withTemporal<T>(context: Context, use: (temporal: Temporal) => Promise<T>): Promise<T> {
  const { address, namespace, options } = loadTemporalConnection(context.sources.env);
  const connection = await connect(address, options());
  try {
    return await use({
      client: new Client({ connection, namespace, identity: identityOf(context) }),
      connection,
      namespace,
      address,
      within: (milliseconds, call) => connection.withDeadline(Date.now() + milliseconds, call),
    });
  } finally {
    await connection.close();
  }
}

async function connect(
  address: string,
  options: ReturnType<ReturnType<typeof loadTemporalConnection>['options']>,
): Promise<Connection> {
  try {
    return await Connection.connect({ ...options, connectTimeout: CONNECT_MS });
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new Problem('unreachable', {
      code: 'TEMPORAL_UNREACHABLE',
      message: `Temporal at ${address} cannot be reached: ${why}`,
      next: 'Start it or correct TEMPORAL_ADDRESS. A run that is under way is kept by the server and goes on with it.',
    });
  }
}

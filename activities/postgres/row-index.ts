import type { Secret } from '../../config/secret.ts';
import type { Artifact, ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';
import type { Batches } from '../../domain/index-entry.ts';
import { rowLine } from '../../domain/lines.ts';
import type { Gate } from '../../domain/verdict.ts';
import { openLines } from '../lines.ts';
import { type ChunkTable, readRows } from './rows.ts';

interface Restored {
  readonly url: Secret;
  readonly chunks: ChunkTable;
  readonly name: string;
  readonly expected: string;
}

/** Compares the set's row index with the restored rows, line by line and in constant memory, up to the first difference. */
export async function checkRowIndex(
  store: ArtifactStore,
  index: Artifact,
  { url, chunks, name, expected }: Restored,
  signal: AbortSignal,
): Promise<Gate> {
  const set = lines(openLines(store, index, (line) => line));
  const restored = lines(readRows({ url }, chunks, signal), rowLine);
  let same = 0;
  try {
    for (;;) {
      const [ours, theirs] = [await set.next(), await restored.next()];
      if (ours.done && theirs.done)
        return { name, verdict: 'pass', expected, observed: `${describeCount(same)} lines agree` };
      if (ours.value !== theirs.value) {
        const observed = `line ${same + 1}: the set has ${shown(ours.value)}, the restored table ${shown(theirs.value)}`;
        return { name, verdict: 'fail', expected, observed };
      }
      same += 1;
    }
  } catch (error) {
    // A table that cannot be read as chunks is not the one that was dumped.
    if (!(error instanceof RecoveryError) || !/^(UNEXPECTED_SCHEMA|UNKNOWN_ID_TYPE)$/.test(error.code)) throw error;
    return { name, verdict: 'fail', expected, observed: error.message };
  } finally {
    await set.return(undefined);
    await restored.return(undefined);
  }
}

async function* lines<T>(batches: Batches<T>, format: (item: T) => string = String): AsyncGenerator<string, undefined> {
  for await (const batch of batches) for (const item of batch) yield format(item);
  return undefined;
}

function shown(line: string | undefined): string {
  return line === undefined ? 'nothing' : JSON.stringify(line.slice(0, 120));
}

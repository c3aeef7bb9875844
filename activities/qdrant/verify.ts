import { compareIndexes, describeChanges } from '../../domain/drift.ts';
import { describeCount } from '../../domain/format.ts';
import { parseIndexLine } from '../../domain/lines.ts';
import type { PointId } from '../../domain/point-id.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { Gate } from '../../domain/verdict.ts';
import { openLines, readSet } from '../lines.ts';
import type { Work } from '../progress.ts';
import { countPoints } from './collections.ts';
import { checkSample } from './sample.ts';
import { readIndex } from './scan.ts';
import { compareShape } from './shape.ts';
import type { Tools } from './tools.ts';

const NAMED = 3;
const SCRATCH = /^dr-./;

interface Restored {
  readonly set: RecoverySet;
  readonly scratch: string;
}

/**
 * Everything that a restored snapshot can be compared with: configuration, exact count, every point by what it says, and a
 * sample number by number. The archive as a whole was compared with its hash on the way, by us and by the server. What changed while the set was taken may have come up in either state, and nothing else.
 */
export async function checkRestored(tools: Tools, { set, scratch }: Restored, work: Work): Promise<Gate[]> {
  const changed = await readSet(tools.store, set.drift?.list);
  return [
    await checkConfiguration(tools, { set, scratch }),
    await checkCount(tools, { set, scratch }, work.signal),
    await checkIndex(tools, { set, scratch, changed }, work),
    ...(set.qdrant.sample
      ? [await checkSample(tools, { sample: set.qdrant.sample, scratch, changed }, work.signal)]
      : []),
  ];
}

async function checkConfiguration({ connection }: Tools, { set, scratch }: Restored): Promise<Gate> {
  const differences = await compareShape(connection, scratch, set);
  const named = differences.map(
    ({ path, expected, observed }) => `${path}: ${expected ?? 'nothing'} became ${observed ?? 'nothing'}`,
  );
  return {
    name: 'restored configuration',
    verdict: differences.length === 0 ? 'pass' : 'fail',
    expected: 'parameters and payload indexes as the set recorded them',
    observed: named.length === 0 ? 'equal' : named.slice(0, NAMED).join('; '),
  };
}

async function checkCount({ connection }: Tools, { set, scratch }: Restored, signal: AbortSignal): Promise<Gate> {
  const { points } = set.qdrant;
  const { added = 0, removed = 0 } = set.drift?.points ?? {};
  const found = await countPoints(connection, scratch, signal);
  const [least, most] = [points - removed, points + added];
  return {
    name: 'restored points',
    verdict: found >= least && found <= most ? 'pass' : 'fail',
    expected:
      least === most
        ? `${describeCount(points)} points`
        : `${describeCount(least)} to ${describeCount(most)} points, since some came and went meanwhile`,
    observed: `${describeCount(found)} points`,
  };
}

async function checkIndex(
  { connection, mapping, store }: Tools,
  { set, scratch, changed }: Restored & { changed: ReadonlySet<PointId> },
  { report, signal }: Work,
): Promise<Gate> {
  let done = 0;
  const told = async function* (): ReturnType<typeof readIndex> {
    for await (const batch of readIndex(connection, mapping, scratch, 'text', signal)) {
      yield batch;
      done += batch.length;
      report({ phase: `read ${scratch}`, done, total: set.qdrant.points });
    }
  };
  let excused = 0;
  const wrong: PointId[] = [];
  const changes = await compareIndexes(openLines(store, set.qdrant.index, parseIndexLine), told(), (ids) => {
    for (const id of ids) {
      if (changed.has(id)) excused += 1;
      else if (wrong.length < NAMED) wrong.push(id);
    }
  });
  const total = changes.added + changes.changed + changes.removed - excused;
  return {
    name: 'id index',
    verdict: total === 0 ? 'pass' : 'fail',
    expected: `every point with its text and section as the index has it${changed.size > 0 ? `, but for the ${describeCount(changed.size)} that changed meanwhile` : ''}`,
    observed:
      total === 0
        ? `${describeCount(done)} points, ${excused > 0 ? `${describeCount(excused)} of the changed ones in their other state` : 'all equal'}`
        : `${describeChanges(changes)}, first ${wrong.join(', ')}`,
  };
}

/** Collections that runs made beside the live ones and that are still there. */
export async function listScratch({ connection }: Tools): Promise<string[]> {
  const { collections } = await connection.call('list the collections', (client) => client.getCollections());
  return collections
    .map(({ name }) => name)
    .filter((name) => SCRATCH.test(name))
    .sort();
}

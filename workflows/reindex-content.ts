import * as loss from '../domain/partial-loss.ts';
import { configurationGates, freshNameOf } from '../domain/cluster-recovery.ts';
import { describeCount } from '../domain/format.ts';
import { describeChange, describeContent, mustBeInSource } from '../domain/reindex.ts';
import { planReindex, type ReindexAssessment } from '../domain/reindex-plan.ts';
import { type ReindexInput, reindexInputSchema } from '../domain/run-input.ts';
import type { ShapeDifference } from '../domain/shape.ts';
import { backUpAtOnce } from './back-up-at-once.ts';
import { failureWith } from './failure.ts';
import { type ReindexRun, steps } from './reindex-steps.ts';
import { runbook } from './runbook.ts';

/** The index anew from its source, all of it or some sections: into a fresh collection, and never in place. */
export const reindexContent = runbook(
  {
    scenario: 'reindex',
    input: reindexInputSchema,
    steps,
    success: 'recovered',
    afterwards: () => backUpAtOnce('the content was indexed again'),
  },
  async (run, input) => {
    const found = await assess(run, input);
    await run.approval('approve', planReindex(found, run.place));
    const live = { inUse: false };
    const differences = await createFresh(run, found, live);
    await fill(run, found);
    await verifyBeside(run, found, differences);
    await cutOver(run, found, live);
    await verifyLive(run, found);
    run.recovered();
    await run.commitWindow('commit');
    leaveOrRemove(run, found);
  },
);

/** Whether the app may use what this run has made: it must not be taken away then. */
interface Use {
  inUse: boolean;
}

/** What the source says, against what the stores hold of it. */
async function assess(run: ReindexRun, input: ReindexInput): Promise<ReindexAssessment> {
  const { sections = [], keepGone = false, onlySource = false } = input;
  const { collection, collectionName } = run.settings;
  const fresh = freshNameFor(run);
  const scope = { sections, keepGone, onlySource };
  const folder = `${run.folder}/assess`;
  const content = await run.must(
    'list',
    async (act) => {
      const { unknown, ...list } = await act.listContent({ collection, sections, folder });
      mustBeInSource(unknown);
      return list;
    },
    describeContent,
  );
  if (content.list.count === 0) throw failureWith('INVALID_CONFIGURATION', 'content: the source has no text at all');
  const { aliases, ...change } = await run.must(
    'assess',
    async (act) => {
      const { aliases } = await act.describeCollection({ collection });
      const standing = aliases.filter((one) => one.collection === collection).map(({ alias }) => alias);
      const compared = await act.compareContent({ collection, content, scope, folder });
      return { ...compared, aliases: [...new Set([collectionName, ...standing])].toSorted() };
    },
    describeChange,
  );
  run.keep(`what the source says for ${collectionName}`, content.list.artifact);
  const pricePerThousandTexts = run.settings.cluster?.pricePerThousandTexts;
  return { content, change, scope, fresh, aliases, pricePerThousandTexts };
}

/** @throws REPLACEMENT_UNFIT where the app uses the collection's own name: nothing can take its place */
function freshNameFor(run: ReindexRun): string {
  const { collection, collectionName } = run.settings;
  if (collection !== collectionName) return freshNameOf(collection, run.runId);
  throw failureWith(
    'REPLACEMENT_UNFIT',
    `qdrant.collection: the app uses the collection ${collectionName} itself and no alias, so no fresh one can take its place; create an alias, let the app use that, and name it in qdrant.collection`,
  );
}

/** Empty, with every parameter and index of the live one. */
async function createFresh(run: ReindexRun, { fresh }: ReindexAssessment, live: Use): Promise<ShapeDifference[]> {
  const owner = run.runId;
  run.undo(`remove ${fresh}`, async (act) => {
    if (live.inUse)
      throw failureWith('NOT_NOW', `${fresh} is kept: the aliases could not be put back, and may stand for it`);
    await act.dropMade({ collection: fresh, owner });
  });
  return run.must(
    'create',
    async (act) => {
      const { shape } = await act.describeCollection({ collection: run.settings.collection });
      return act.createCollection({ collection: fresh, shape, owner });
    },
    (differences) => (differences.length === 0 ? 'equal in every field' : `${differences.length} fields differ`),
  );
}

async function fill(run: ReindexRun, { content, change, fresh }: ReindexAssessment): Promise<void> {
  const { collection } = run.settings;
  const { list } = content;
  if (change.kept.count > 0)
    await run.must(
      'keep',
      (act) => act.copyPoints({ list: change.kept, from: collection, to: fresh }),
      ({ written }) => `${describeCount(written)} points`,
    );
  await run.must(
    'embed',
    (act) => act.embedContent({ list, collection: fresh, from: collection }),
    ({ written }) => `${describeCount(written)} chunks`,
  );
}

/** While nobody asks it. */
async function verifyBeside(
  run: ReindexRun,
  { content, change, fresh }: ReindexAssessment,
  differences: readonly ShapeDifference[],
): Promise<void> {
  const { shape } = await run.must(
    'optimize',
    async (act) => {
      const { shape } = await act.describeCollection({ collection: run.settings.collection });
      await act.finishCollection({ collection: fresh, shape });
      return { shape, ...(await act.awaitOptimized({ collection: fresh })) };
    },
    ({ status, indexed, points }) => `${status}: ${describeCount(indexed)} of ${describeCount(points)} vectors indexed`,
  );
  await run.verify('content', async (act) => {
    const gates = await act.checkContent({ list: content.list, collection: fresh, besides: change.kept.count });
    const there = await act.describeCollection({ collection: fresh });
    const points = { found: there.points, expected: content.list.count + change.kept.count };
    return [...gates, ...configurationGates(differences, points, 'as the live collection has them')];
  });
  await run.verify('queries', (act) => act.checkQueries({ collection: fresh, shape }));
  await run.verify('access', (act) => act.checkAccess({ collection: fresh }));
  await run.verify('retrieval', (act) => act.checkRetrieval({ collection: fresh, sections: [], withoutApp: true }));
}

/** Rows first, aliases at once after them: until then the app answers from what it had. */
async function cutOver(
  run: ReindexRun,
  { content, change, fresh, aliases }: ReindexAssessment,
  live: Use,
): Promise<void> {
  const folder = `${run.folder}/rows`;
  const found: { before: { alias: string; collection: string | null }[] } = { before: [] };
  const { rows } = change;
  if (rows) run.undo('put the rows back', (act) => act.revertRows({ folder }));
  run.undo('put the aliases back', async (act) => {
    await act.revertAliases({ before: found.before });
    live.inUse = false;
  });
  await run.must(
    'switch',
    async (act) => {
      const done = rows && (await act.alignRows({ list: content.list, then: rows.then, collection: fresh, folder }));
      live.inUse = true;
      const seen = await act.setAliases({ collection: fresh, aliases: [...aliases] });
      // What an earlier attempt found is what there was: the one after finds its own work.
      if (found.before.length === 0) found.before = seen.before;
      return done;
    },
    (done) =>
      `${aliases.join(', ')} stands for ${fresh}${done ? `; ${describeCount(done.changed)} rows changed, ${describeCount(done.written)} written` : ''}`,
  );
}

/** What was taken in meanwhile is brought over; then rows and vectors agree, and the app answers from the new one. */
async function verifyLive(run: ReindexRun, { change, fresh }: ReindexAssessment): Promise<void> {
  const { collectionName, hasRows } = run.settings;
  const question = {
    collection: fresh,
    depth: 'content',
    folder: `${run.folder}/live`,
    except: change.goneIds,
  } as const;
  await run.verify('live', async (act) => {
    const gates = [];
    if (hasRows) {
      const { reembed } = await act.reconcileStack(question);
      if (reembed.count > 0) await act.reembedPoints({ list: reembed, collection: fresh });
      gates.push(loss.reconciliationGate(await act.reconcileStack(question), false));
    }
    const stands = (await act.resolveCollection()).collection;
    gates.push(loss.nameGate(collectionName, fresh, stands));
    return [...gates, ...(await act.checkRetrieval({ collection: collectionName, sections: [] }))];
  });
}

/** Rows of chunks that are gone could still be needed until now. */
function leaveOrRemove(run: ReindexRun, { change, fresh }: ReindexAssessment): void {
  if ((change.rows?.gone ?? 0) > 0)
    run.cleanUp('take away the rows of chunks that are gone', (act) =>
      act.removeGoneRows({ goneIds: change.goneIds, collection: fresh }),
    );
  run.note(`${run.settings.collection} is left as it was; drop it when nobody needs it any more`);
}

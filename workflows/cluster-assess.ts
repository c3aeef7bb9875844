/** What is found out before anything is written: what has failed, what can be restored, and where to. */
import { type Diagnosis, diagnose, servesOthers } from '../domain/cluster-failure.ts';
import * as recovery from '../domain/cluster-recovery.ts';
import type { Damage } from '../domain/damage.ts';
import * as loss from '../domain/partial-loss.ts';
import type { RecoverySet } from '../domain/recovery-set.ts';
import { describeContent } from '../domain/reindex.ts';
import type { ClusterInput } from '../domain/run-input.ts';
import { supportMessage } from '../domain/support-message.ts';
import { describeGate, type Gate } from '../domain/verdict.ts';
import { type ClusterRun, clusterOf } from './cluster-steps.ts';
import { failureWith, troubleOf } from './failure.ts';
import { lookUntilSure } from './look-until-sure.ts';

/** Looks until several rounds in a row agree: a blip is no failure. @throws CLUSTER_NEEDS_HAND for what no new cluster would mend */
export async function confirmFailure(run: ClusterRun, input: ClusterInput): Promise<Diagnosis> {
  const { confirm } = clusterOf(run);
  return run.must(
    'confirm',
    async (act) => {
      const look = () => act.probeCluster({ collection: run.settings.collectionName });
      const diagnosis = await lookUntilSure(look, (seen) => diagnose(seen, confirm.rounds), confirm.everySeconds);
      if (diagnosis.remedy === 'mend' && input.replace !== true)
        throw failureWith('CLUSTER_NEEDS_HAND', diagnosis.sentence);
      return diagnosis;
    },
    ({ sentence }) => sentence,
  );
}

/** The set that is at hand, if any: known before people are told, since support asks for it. */
export interface Failure {
  readonly diagnosis: Diagnosis;
  readonly set?: RecoverySet | undefined;
  readonly why: string;
}

/** Chooses the set, writes the message for Qdrant's support, and tells people that there is one. */
export async function tellPeople(run: ClusterRun, input: ClusterInput, diagnosis: Diagnosis): Promise<Failure> {
  const failure = { diagnosis, ...(await chooseSet(run, input)) };
  const { set } = failure;
  const message = supportMessage({
    environment: run.settings.environment,
    workflowId: run.workflowId,
    faultDeclaredAt: run.faultDeclaredAt.toISOString(),
    collection: run.settings.collectionName,
    drill: run.drill,
    cloud: clusterOf(run).cloud,
    diagnosis,
    set: set && {
      id: set.id,
      takenAt: set.takenAt,
      serverVersion: set.qdrant.serverVersion,
      points: set.qdrant.points,
    },
  });
  const kept = await run.must(
    'tell',
    async (act) => {
      const artifact = await act.publishMessage({ folder: run.folder, name: 'qdrant-support', ...message });
      await act.notify({ event: 'qdrant-failed', message: `${message.subject}\n\n${message.text}`, urgent: true });
      return artifact;
    },
    ({ key }) => `the message for Qdrant’s support is ${key}`,
  );
  run.keep('message for Qdrant’s support', kept);
  return failure;
}

/** Without a set that can be used, everything is embedded anew, unless one was asked for by name. */
async function chooseSet(
  run: ClusterRun,
  { setId, rebuild }: ClusterInput,
): Promise<{ set?: RecoverySet | undefined; why: string }> {
  return run.must(
    'chooseSet',
    async (act) => {
      try {
        return await act.chooseRecoverySet({ setId });
      } catch (error) {
        const { code, view } = troubleOf(error);
        const unusable = code === 'NO_RECOVERY_SET' || code === 'SET_TAMPERED' || code === 'SET_MISMATCH';
        if (setId === undefined && (unusable || rebuild === true)) return { set: undefined, why: view.message };
        throw error;
      }
    },
    ({ set, why }) => (set ? loss.describeChoice({ set, why }) : `none: ${why}`),
  );
}

/** Everything that the plan stands on. @throws REPLACEMENT_UNFIT, INVALID_CONFIGURATION */
export async function assessCluster(
  run: ClusterRun,
  input: ClusterInput,
  { diagnosis, set, why }: Failure,
): Promise<recovery.ClusterAssessment> {
  const space = set && input.rebuild !== true ? await compareSpaces(run, set) : undefined;
  const kind = destinationOf(run, input, diagnosis);
  const taken = diagnosis.condition !== 'emptied';
  const names = recovery.namesFor({ name: run.settings.collectionName, set, taken }, kind, run.runId);
  if (!names)
    throw failureWith(
      'REPLACEMENT_UNFIT',
      `qdrant.collection: the app uses ${run.settings.collectionName} itself and no alias, so nothing can take its place on the same server; configure qdrantReplacement`,
    );
  const { destination, gates, unknown } = await survey(run, { set, kind, collection: names.collection });
  const backup = kind === 'replacement' && clusterOf(run).replacement === 'cloud-backup';
  const filling = fillingOf(input, { set, why, space, backup });
  const content = await lookAhead(run, { set, filling });
  const found = {
    diagnosis,
    set,
    why,
    filling,
    destination,
    names,
    shape: set?.qdrant.shape ?? recovery.shapeOfIdentity(run.settings.embedding),
    ...content,
    dropOrphans: input.keepOrphans !== true,
    gates,
    unknown,
  };
  // Asked for by name, a rebuild may lose them; never by itself.
  if (set && content.forecast && input.rebuild !== true) loss.mustHoldOneVector({ damage: content.forecast, set });
  run.learn({ ...(set ? { set: set.id } : {}), rpo: recovery.measureLoss(found, 0, run.faultDeclaredAt) });
  return found;
}

/** A model that has changed makes the set's vectors worthless, however whole they are. @returns why; `undefined` when it is the same */
async function compareSpaces(run: ClusterRun, set: RecoverySet): Promise<Gate> {
  return run.must(
    'space',
    async (act) => {
      const { gate } = await act.checkEmbeddingSpace({ set });
      if (gate.verdict === 'pass') run.judge([gate]);
      return gate;
    },
    (gate) => `${gate.verdict === 'pass' ? 'the same' : 'not proven the same'}: ${gate.observed}`,
  );
}

function destinationOf(
  run: ClusterRun,
  { to }: ClusterInput,
  { condition, sentence }: Diagnosis,
): recovery.Destination['kind'] {
  const configured = clusterOf(run).replacement !== 'none';
  if (to === 'replacement' || (to === undefined && configured)) {
    if (configured) return 'replacement';
    throw failureWith('INVALID_CONFIGURATION', 'qdrantReplacement: is not configured, so there is no replacement');
  }
  if (servesOthers(condition) || (condition === 'well' && to === 'beside')) return 'beside';
  const what = to === 'beside' ? 'to: beside needs a server that serves' : 'qdrantReplacement: is not configured';
  throw failureWith(to === 'beside' ? 'INVALID_INPUT' : 'INVALID_CONFIGURATION', `${what}; ${sentence}`);
}

/** What is to take its place, and whether the set fits there. */
async function survey(
  run: ClusterRun,
  { set, kind, collection }: { set: RecoverySet | undefined; kind: recovery.Destination['kind']; collection: string },
): Promise<Pick<recovery.ClusterAssessment, 'destination' | 'gates' | 'unknown'>> {
  if (kind === 'beside') return { destination: { kind }, gates: [], unknown: [] };
  const seen = await run.must(
    'survey',
    async (act) => {
      const survey = await act.surveyReplacement({ set, collection });
      const red = survey.gates.filter(({ verdict }) => verdict === 'fail');
      if (red.length > 0) throw failureWith('REPLACEMENT_UNFIT', red.map(describeGate).join('; '));
      return survey;
    },
    ({ what }) => what,
  );
  const { what, server, gates, unknown } = seen;
  return { destination: { kind, what, server }, gates, unknown: [...unknown] };
}

function fillingOf(
  { rebuild }: ClusterInput,
  { set, why, space, backup }: { set: RecoverySet | undefined; why: string; space: Gate | undefined; backup: boolean },
): recovery.Filling {
  if (rebuild === true) return { kind: 'rebuild', why: 'asked for in the input', otherModel: false };
  if (space?.verdict === 'fail')
    return { kind: 'rebuild', why: `the model is another one now: ${space.observed}`, otherModel: true };
  if (backup) return { kind: 'backup', why: 'the new cluster is made from Qdrant Cloud’s own backup' };
  return set
    ? { kind: 'snapshot', why }
    : { kind: 'rebuild', why: `no recovery set can be used: ${why}`, otherModel: false };
}

/** What will have to be embedded, counted before anybody approves it. @throws NO_RECOVERY_SET when there is nothing to rebuild from */
async function lookAhead(
  run: ClusterRun,
  { set, filling }: { set: RecoverySet | undefined; filling: recovery.Filling },
): Promise<Pick<recovery.ClusterAssessment, 'forecast' | 'content'>> {
  const { collectionName: collection, hasRows } = run.settings;
  const rebuild = filling.kind === 'rebuild';
  // What a backup of Qdrant Cloud holds is known once the cluster is up.
  if (filling.kind === 'backup') return {};
  const folder = `${run.folder}/forecast`;
  if (hasRows) {
    const question = { collection, depth: 'content', folder } as const;
    const forecast = await run.must(
      'forecast',
      (act): Promise<Damage> =>
        act.reconcileStack(rebuild ? { ...question, as: 'nothing' } : { ...question, set, as: 'set' }),
      (damage) => recovery.describeForecast(damage, rebuild),
    );
    return { forecast };
  }
  return rebuild ? readSource(run, folder) : {};
}

/** Without set and rows only the source text is left. */
async function readSource(run: ClusterRun, folder: string): Promise<Pick<recovery.ClusterAssessment, 'content'>> {
  const content = await run.must(
    'forecast',
    async (act) => {
      try {
        const { unknown: _none, ...list } = await act.listContent({ sections: [], folder });
        return list;
      } catch (error) {
        const { code, view } = troubleOf(error);
        if (code !== 'INVALID_CONFIGURATION') throw error;
        const nothing = 'there is neither a set nor are there chunk rows to rebuild from, and no source text';
        throw failureWith('NO_RECOVERY_SET', `${nothing}: ${view.message}`);
      }
    },
    (list) => `${describeContent(list)} are to be embedded`,
  );
  return { content };
}

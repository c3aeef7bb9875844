import type { CloudReplacementConfig } from '../../config/qdrant-replacement.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { describeCount } from '../../domain/format.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { ServerRef } from '../../domain/servers.ts';
import type { Gate } from '../../domain/verdict.ts';
import { whyNotOn } from '../../domain/version-rule.ts';
import type { ReplacementActivities, ReplacementSurvey } from '../cluster-contract.ts';
import { type Work, withProgress } from '../progress.ts';
import { sleep } from '../sleep.ts';
import type { Backup, Cluster, DatabaseKey } from './answers.ts';
import type { ClusterClient } from './cluster-client.ts';
import { CloudFailure } from './failure.ts';
import { type ClusterKeys, forgetClusterKeys, readClusterKeys, writeClusterKeys } from './key-file.ts';
import { PATIENCE, type Patience } from './tools.ts';

/** Hours after which a backup of Qdrant Cloud is told to be old. */
const OLD_HOURS = 26;

export interface CloudReplacementParts {
  readonly config: CloudReplacementConfig;
  readonly client: ClusterClient;
  /** Whether the server answers with its key: its version. @throws QDRANT_* */
  readonly versionOf: (server: ServerRef, signal: AbortSignal) => Promise<string>;
  readonly patience?: Partial<Patience> | undefined;
}

/** A new cluster of Qdrant Cloud, like the one that failed. To be wrapped in `withFailures`. */
export function createCloudReplacement(parts: CloudReplacementParts): Omit<ReplacementActivities, 'wakeCluster'> {
  return {
    surveyReplacement: (input) => withProgress({}, ({ signal }) => survey(parts, input, signal)),
    bringUpReplacement: (input) => withProgress(input, (work) => bringUp(parts, input, work)),
    releaseReplacement: (input) => withProgress({}, ({ signal }) => release(parts, input, signal)),
  };
}

async function survey(
  { config, client: shared }: CloudReplacementParts,
  { set }: { set?: RecoverySet | undefined },
  signal: AbortSignal,
): Promise<ReplacementSurvey> {
  const client = shared.until(signal);
  const old = await client.getCluster();
  const { configuration, cloudProviderId, cloudProviderRegionId, name, state } = old;
  const nodes = configuration?.numberOfNodes ?? 1;
  const version = configuration?.version ?? state.version ?? '';
  const backup = config.from === 'backup' ? await newestBackup(client) : undefined;
  const where = `${cloudProviderId} ${cloudProviderRegionId}, ${describeCount(nodes)} ${nodes === 1 ? 'node' : 'nodes'}`;
  const made = backup ? `from its backup of ${backup.createdAt}` : 'empty';
  return {
    what: `a new cluster of Qdrant Cloud like ${name} (${where}), ${made}`,
    gates: [
      ...(set ? [versionGate(set, version), nodesGate(set, nodes)] : []),
      ...(config.from === 'backup' ? [backupGate(backup)] : []),
      ...(configuration ? [] : [gate('shape', 'fail', 'the API tells what the cluster is made of', 'it does not')]),
    ],
    unknown: [
      'its price, and whether the account may have another cluster',
      ...(backup ? ['what has changed since that backup: it is found once the cluster is up'] : []),
    ],
  };
}

function gate(name: string, verdict: Gate['verdict'], expected: string, observed: string): Gate {
  return { name: `replacement: ${name}`, verdict, expected, observed };
}

function versionGate({ qdrant }: RecoverySet, version: string): Gate {
  const why = whyNotOn(qdrant.serverVersion, version);
  const observed = why === undefined ? version : `${version}: ${why}`;
  return gate(
    'version',
    why === undefined ? 'pass' : 'fail',
    `restores what ${qdrant.serverVersion} has made`,
    observed,
  );
}

function nodesGate({ qdrant }: RecoverySet, nodes: number): Gate {
  const needed = 1 + (qdrant.nodes?.length ?? 0);
  const expected = `${needed} or more: the set has a snapshot for each`;
  return gate('nodes', nodes >= needed ? 'pass' : 'fail', expected, String(nodes));
}

function backupGate(backup: Backup | undefined): Gate {
  const expected = 'a backup that has succeeded';
  if (!backup) return gate('backup', 'fail', expected, 'none');
  const hours = (Date.now() - Date.parse(backup.createdAt)) / 3_600_000;
  const age = hours > OLD_HOURS ? `, ${Math.round(hours)} hours old` : '';
  return gate('backup', 'pass', expected, `${backup.displayName ?? backup.id} of ${backup.createdAt}${age}`);
}

async function newestBackup(client: ClusterClient): Promise<Backup | undefined> {
  const whole = (await client.listBackups()).filter(({ status, deletedAt }) => status === 'SUCCEEDED' && !deletedAt);
  return whole.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0];
}

async function bringUp(
  parts: CloudReplacementParts,
  { name }: { name: string },
  work: Work,
): Promise<{ server: ServerRef; url: string; version: string }> {
  const { config, versionOf, patience } = parts;
  const { signal, report } = work;
  const client = parts.client.until(signal);
  report({ phase: `create the cluster ${name}`, done: 0, total: 1 });
  const { id } = (await find(client, name)) ?? (await createOrFind(parts, client, name, signal));
  const cluster = await untilHealthy(parts, client, id, work);
  await haveKeys(client, { config, clusterId: id, name });
  const server = { kind: 'cloud', clusterId: id, url: addressOf(cluster) } as const;
  const { wakeMs, pollMs } = { ...PATIENCE, ...patience };
  // Keys take a moment to reach the cluster, and so does the name of its endpoint.
  for (let waited = 0; ; waited += pollMs) {
    report({ phase: 'wait until it takes its key', done: Math.round(waited / 1000), total: Math.round(wakeMs / 1000) });
    try {
      return { server, url: server.url, version: await versionOf(server, signal) };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RecoveryError && error.code.startsWith('QDRANT_')) || waited >= wakeMs) throw error;
    }
    await sleep(pollMs, signal);
  }
}

/** The name is the run's own, so whatever has it is this run's. @throws REPLACEMENT_FAILED for two */
async function find(client: ClusterClient, name: string): Promise<Cluster | undefined> {
  const named = (await client.listClusters()).filter((cluster) => cluster.name === name);
  if (named.length <= 1) return named[0];
  const ids = named.map(({ id }) => id).join(', ');
  throw new RecoveryError(
    'REPLACEMENT_FAILED',
    `Qdrant Cloud has ${named.length} clusters called ${name} (${ids}): delete all but one`,
  );
}

/** When it is not known whether it was made, it is looked for, and made again only when a person says so. */
async function createOrFind(
  { config, patience }: CloudReplacementParts,
  client: ClusterClient,
  name: string,
  signal: AbortSignal,
): Promise<Cluster> {
  const { lookMs, pollMs } = { ...PATIENCE, ...patience };
  try {
    return await create(client, config, name);
  } catch (error) {
    if (!(error instanceof CloudFailure && error.code === 'QDRANT_CLOUD_UNREACHABLE')) throw error;
    for (let waited = 0; waited <= lookMs; waited += pollMs) {
      await sleep(pollMs, signal);
      const made = await find(client, name);
      if (made) return made;
    }
    throw error;
  }
}

async function create(client: ClusterClient, { from }: CloudReplacementConfig, name: string): Promise<Cluster> {
  if (from === 'empty') return client.createCluster(name, await client.getCluster());
  const backup = await newestBackup(client);
  if (backup) return client.createClusterFromBackup(name, backup.id);
  throw new RecoveryError(
    'REPLACEMENT_FAILED',
    'qdrantReplacement.cloud.from: Qdrant Cloud has no backup that has succeeded',
  );
}

async function untilHealthy(
  { patience }: CloudReplacementParts,
  client: ClusterClient,
  id: string,
  { signal, report }: Work,
): Promise<Cluster> {
  const { wakeMs, pollMs } = { ...PATIENCE, ...patience };
  for (let waited = 0; waited <= wakeMs; waited += pollMs) {
    const cluster = await client.getCluster(id);
    const { phase, reason } = cluster.state;
    report({ phase: `new cluster: ${phase}`, done: Math.round(waited / 1000), total: Math.round(wakeMs / 1000) });
    if (phase === 'HEALTHY') return cluster;
    if (phase.startsWith('FAILED') || phase === 'NOT_FOUND' || phase === 'DELETING')
      throw new RecoveryError(
        'REPLACEMENT_FAILED',
        `Qdrant Cloud says ${phase} of the new cluster ${id}${reason ? `: ${reason}` : ''}`,
      );
    await sleep(pollMs, signal);
  }
  throw new RecoveryError(
    'REPLACEMENT_FAILED',
    `the new cluster ${id} was not healthy after ${Math.round(wakeMs / 60_000)} min`,
  );
}

function addressOf({ id, state: { endpoint } }: Cluster): string {
  if (!endpoint) throw new RecoveryError('REPLACEMENT_FAILED', `Qdrant Cloud tells no endpoint of the cluster ${id}`);
  const url = new URL(endpoint.url);
  if (endpoint.restPort && url.port === '') url.port = String(endpoint.restPort);
  return url.origin;
}

/** A key is told once. One whose value was lost on the way (it is there, and not in the file) is deleted and made anew. */
async function haveKeys(
  client: ClusterClient,
  { config, clusterId, name }: { config: CloudReplacementConfig; clusterId: string; name: string },
): Promise<ClusterKeys> {
  const there = await client.listDatabaseKeys(clusterId);
  const known = readClusterKeys(config.keyFile, clusterId);
  if (known && [known.manage, known.read].every(({ id }) => there.some((key) => key.id === id))) return known;
  const names = { manage: name, read: `${name}-read` };
  const lost = there.filter((key) => Object.values(names).includes(key.name));
  for (const key of lost) await client.deleteDatabaseKey(key);
  const manage = told(await client.createDatabaseKey(clusterId, names.manage, false));
  const read = told(await client.createDatabaseKey(clusterId, names.read, true));
  await writeClusterKeys(config.keyFile, clusterId, { manage, read });
  return { manage, read };
}

function told({ id, key }: DatabaseKey & { key: string }): ClusterKeys['manage'] {
  return { id, key };
}

/** What this run has made, and nothing else: by its name. Its keys go with it. */
async function release(
  { config, client: shared }: CloudReplacementParts,
  { name }: { name: string },
  signal: AbortSignal,
): Promise<void> {
  const client = shared.until(signal);
  const mine = (await client.listClusters()).filter((cluster) => cluster.name === name);
  for (const { id } of mine) {
    if (id === client.config.clusterId)
      throw new RecoveryError(
        'REPLACEMENT_FAILED',
        `${name} is the cluster of the settings itself, and is not deleted`,
      );
    for (const key of await client.listDatabaseKeys(id)) await client.deleteDatabaseKey(key);
    await client.deleteCluster(id);
    await forgetClusterKeys(config.keyFile, id);
  }
}

import type { QdrantConfig } from '../../config/schema.ts';
import type { ClusterProbe, Look } from '../../domain/cluster-probe.ts';
import type { ChatApp } from '../../domain/chat-app.ts';
import type { EmbeddingIdentity } from '../../domain/recovery-set.ts';
import type { ServerActivities } from '../cluster-contract.ts';
import { knock } from '../knock.ts';
import { addressOf } from './address.ts';
import { QdrantConnection } from './client.ts';
import { Looker } from './looker.ts';
import { lookAtCollection, lookAtKey, lookAtQuery, lookAtReadiness, versionOf } from './looks.ts';

interface Parts {
  readonly config: QdrantConfig;
  readonly embedding: EmbeddingIdentity;
  /** Absent where no app is configured. */
  readonly checkHealth?: ChatApp['checkHealth'] | undefined;
  /** A real question: only it tells whether the app reaches the cluster, since health checks of many touch no store. */
  readonly ask?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  /** What Qdrant Cloud says of the cluster; absent for a server that is not one of its. */
  readonly readPhase?: ((signal: AbortSignal) => Promise<{ phase: string; reason?: string | undefined }>) | undefined;
  /** How long one look may take. */
  readonly timeoutMs?: number | undefined;
  /** From when on what should take milliseconds is much too slow. */
  readonly slowMs?: number | undefined;
}

const TIMEOUT_MS = 3_000;
const SLOW_MS = 2_000;

/** Looking at the live cluster from every side. Whatever is met is an answer: nothing is thrown. */
export function createProbe(parts: Parts): Pick<ServerActivities, 'probeCluster'> {
  const connection = new QdrantConnection(parts.config);
  return { probeCluster: ({ collection }) => probeCluster(parts, connection, collection) };
}

async function probeCluster(parts: Parts, connection: QdrantConnection, collection: string): Promise<ClusterProbe> {
  const { config, checkHealth, ask, timeoutMs = TIMEOUT_MS, slowMs = SLOW_MS } = parts;
  const secrets = [config.apiKey, config.readOnlyApiKey].flatMap((key) => (key ? [key.reveal()] : []));
  const looker = new Looker({ timeoutMs, slowMs, secrets });
  const { host, port } = addressOf(config.url);
  const at = new Date().toISOString();
  const looks: Look[] = [];
  const sides = [
    ['process', async (signal: AbortSignal) => ({ status: 200, said: await knock(host, port, signal) })],
    ['ready', (signal: AbortSignal) => lookAtReadiness(connection, signal)],
    ['key', (signal: AbortSignal) => lookAtKey(connection, signal)],
    ['collection', (signal: AbortSignal) => lookAtCollection(connection, collection, signal)],
    ['query', (signal: AbortSignal) => lookAtQuery(connection, collection, parts.embedding.vectorName, signal)],
  ] as const;
  for (const [depth, look] of sides) {
    const stopped = looks.find(({ finding }) => finding !== 'ok' && finding !== 'busy');
    looks.push(stopped ? Looker.untried(depth, `after what ${stopped.depth} came to`) : await looker.look(depth, look));
  }
  looks.push(
    checkHealth
      ? await looker.look('app', async (signal) => ({
          status: 200,
          said: await checkHealth(signal)
            // Asked only where it decides: people’s conversations are not the place for our questions.
            .then(() => (looks[0]?.finding === 'ok' ? undefined : ask?.(signal)))
            .then(() => 'well'),
        }))
      : Looker.untried('app', 'no app is configured'),
  );
  return {
    at,
    looks,
    ...(await phaseOf(parts, timeoutMs)),
    ...(answers(looks) ? await versionOf(connection, AbortSignal.timeout(timeoutMs)) : {}),
  };
}

function answers(looks: readonly Look[]): boolean {
  return looks.some(({ depth, finding }) => depth === 'ready' && (finding === 'ok' || finding === 'busy'));
}

/** The management plane is another system: its silence says nothing of the cluster. */
async function phaseOf({ readPhase }: Parts, timeoutMs: number): Promise<Pick<ClusterProbe, 'cloud'>> {
  const found = await readPhase?.(AbortSignal.timeout(timeoutMs)).catch(() => undefined);
  if (!found) return {};
  return { cloud: { phase: found.phase, ...(found.reason ? { reason: found.reason } : {}) } };
}

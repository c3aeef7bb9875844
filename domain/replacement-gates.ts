/** What is judged of a replacement before anything is written to it, whatever kind of server it is. */
import type { RecoverySet } from './recovery-set.ts';
import type { Gate } from './verdict.ts';
import { whyNotOn } from './version-rule.ts';

export function replacementGate(name: string, verdict: Gate['verdict'], expected: string, observed: string): Gate {
  return { name: `replacement: ${name}`, verdict, expected, observed };
}

/** Whether a server of that version may restore the set's snapshots. */
export function versionGate({ qdrant }: RecoverySet, version: string): Gate {
  const why = whyNotOn(qdrant.serverVersion, version);
  return replacementGate(
    'version',
    why === undefined ? 'pass' : 'fail',
    `restores what ${qdrant.serverVersion} has made`,
    why === undefined ? version : `${version}: ${why}`,
  );
}

/** Whether there is a node for every snapshot of the set. */
export function nodesGate({ qdrant }: RecoverySet, nodes: number): Gate {
  const needed = 1 + (qdrant.nodes?.length ?? 0);
  return replacementGate(
    'nodes',
    nodes >= needed ? 'pass' : 'fail',
    `${needed} or more: the set has a snapshot for each`,
    String(nodes),
  );
}

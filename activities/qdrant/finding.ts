import type { Look } from '../../domain/cluster-probe.ts';

type Finding = Look['finding'];

/** What a look met: an answer, or none and the system's word for it. */
export type Met =
  | { readonly status: number; readonly said: string; readonly depth: Look['depth'] }
  | { readonly silence: string; readonly depth: Look['depth'] };

/** No room left, in the words of servers, their engine, quotas and the system. */
const FULL =
  /insufficient storage|no space left|not enough space|disk (?:is )?full|quota .*(?:exceeded|reached)|ENOSPC/i;
/** A server that has started without its data; the message is the operator's own, so the metrics tell it for sure. */
const RECOVERY = /recovery.mode|killed during initiali[sz]ation|most likely it.?s OOM/i;
/** A shard that could not be loaded: the collection is listed, and answers nothing else. */
const DUMMY =
  /dirty shard|dummy|not fully initiali[sz]ed|failed to get info|failed to load local shard|(?:read|write) operations failed|can't init wal|outputtoosmall/i;
const REPLICAS = /enough active replicas|no active replica|shard temporarily unavailable/i;

const SILENCES: readonly (readonly [RegExp, Finding])[] = [
  [/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO|HPE_/i, 'wrong'],
  [/ECONNREFUSED/, 'refused'],
  [/ENOTFOUND|EAI_|EADDRNOTAVAIL/, 'unresolved'],
  [/ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET|other side closed|socket hang up|terminated/i, 'reset'],
  // No way to the host is silence too: whether it is down or cut off cannot be told from here.
  [/TIMEOUT|no answer in time|no answer within|aborted|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN/i, 'timeout'],
];

const STATUSES: Readonly<Record<number, Finding>> = {
  401: 'denied',
  403: 'denied',
  408: 'timeout',
  429: 'busy',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
  507: 'full',
};

/** What a look came to. Total: what is not known here is `wrong`. */
export function findingOf(met: Met): Finding {
  if ('silence' in met) return SILENCES.find(([pattern]) => pattern.test(met.silence))?.[1] ?? 'wrong';
  const { status, said, depth } = met;
  if (status >= 200 && status < 300) return 'ok';
  // Of a key's refusal and a limit nothing is to be read into the words.
  if (![401, 403, 429].includes(status)) {
    if (FULL.test(said)) return 'full';
    if (RECOVERY.test(said)) return 'recovery-mode';
    if (REPLICAS.test(said)) return 'unavailable';
    if (status === 500 && DUMMY.test(said)) return 'dummy-shard';
  }
  if (status === 404) return isDeep(depth) && /collection .*doesn't exist/i.test(said) ? 'absent' : 'wrong';
  return STATUSES[status] ?? 'wrong';
}

/** Only there a 404 is Qdrant's word for a collection; elsewhere somebody else answers in its place. */
function isDeep(depth: Look['depth']): boolean {
  return depth === 'collection' || depth === 'query';
}

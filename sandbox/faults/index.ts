import type { BreakablePart, Fault } from './fault.ts';
import { killing, switching } from './outages.ts';
import { exhaustion, postgresDamage } from './postgres-damage.ts';
import { qdrantDamage } from './qdrant-damage.ts';

export type { BreakablePart, Fault } from './fault.ts';

/** Everything that can be broken on purpose, by system and name. */
export const faults: Readonly<Record<BreakablePart, Readonly<Record<string, Fault>>>> = {
  qdrant: {
    ...qdrantDamage,
    kill: killing('qdrant'),
    unavailable: switching('unavailable', 'lets Qdrant answer 503', 'Made Qdrant answer every request with 503.'),
    hang: switching(
      'hang',
      'lets Qdrant accept requests and never answer',
      'Made Qdrant accept requests and never answer.',
    ),
  },
  postgres: { ...postgresDamage, unreachable: killing('postgres'), 'exhaust-connections': exhaustion },
};

/** What a drill of partial loss breaks unless it is told otherwise: something of every kind that the runbook mends. */
export const PARTIAL_LOSS: readonly string[] = ['delete-sections', 'corrupt-vectors', 'edit-payload', 'drop-index'];

import type { BreakablePart, Fault } from './fault.ts';
import { appFaults } from './app-faults.ts';
import { killing, switching } from './outages.ts';
import { exhaustion, postgresDamage } from './postgres-damage.ts';
import { qdrantDamage } from './qdrant-damage.ts';
import { qdrantLoss } from './qdrant-loss.ts';

export type { BreakablePart, Fault } from './fault.ts';

/** Everything that can be broken on purpose, by system and name. */
export const faults: Readonly<Record<BreakablePart, Readonly<Record<string, Fault>>>> = {
  qdrant: {
    ...qdrantDamage,
    ...qdrantLoss,
    kill: killing('qdrant'),
    unavailable: switching('unavailable', 'lets Qdrant answer 503', 'Made Qdrant answer every request with 503.'),
    hang: switching(
      'hang',
      'lets Qdrant accept requests and never answer',
      'Made Qdrant accept requests and never answer.',
    ),
    'recovery-mode': switching(
      'recovery-mode',
      'lets Qdrant answer as one that has started in recovery mode',
      'Made Qdrant answer as one in recovery mode: nothing of a collection can be read or written.',
    ),
    slow: switching(
      'slow',
      'lets every answer of Qdrant come seconds late',
      'Made every answer of Qdrant come two and a half seconds late.',
    ),
    'rate-limit': switching('rate-limit', 'lets Qdrant answer 429', 'Made Qdrant answer every request with 429.'),
    'disk-full': switching(
      'disk-full',
      'lets Qdrant refuse writes for want of space',
      'Made Qdrant refuse every write for want of space.',
    ),
    'key-changed': switching(
      'wrong-key',
      'lets Qdrant take no key any more',
      'Made Qdrant refuse every key, as after a change that nobody was told of.',
    ),
  },
  postgres: { ...postgresDamage, unreachable: killing('postgres'), 'exhaust-connections': exhaustion },
  app: appFaults,
};

/** What a drill of a lost cluster breaks unless it is told otherwise. */
export const CLUSTER_LOSS: readonly string[] = ['disk-gone'];

/** What a drill of a failed app server breaks unless it is told otherwise. */
export const APP_FAILURE: readonly string[] = ['kill'];

/** What a drill of partial loss breaks unless it is told otherwise: something of every kind that the runbook mends. */
export const PARTIAL_LOSS: readonly string[] = ['delete-sections', 'corrupt-vectors', 'edit-payload', 'drop-index'];

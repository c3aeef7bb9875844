import type { PointId } from './point-id.ts';
import type { Gate } from './verdict.ts';

const NAMED = 3;

/** Every sampled chunk is among the five nearest to its own text. Nothing sampled proves nothing. */
export function ownTextGate(asked: number, lost: readonly PointId[]): Gate {
  const failed =
    lost.length === 0 ? '' : `; not: ${lost.slice(0, NAMED).join(', ')}${lost.length > NAMED ? ', …' : ''}`;
  return {
    name: 'own text',
    verdict: asked === 0 ? 'unproven' : lost.length === 0 ? 'pass' : 'fail',
    expected: 'every sampled chunk is among the five nearest to its own text, embedded again',
    observed: asked === 0 ? 'no chunk to sample' : `${asked - lost.length} of ${asked}${failed}`,
  };
}

import type { Stores } from '../seed-context.ts';
import type { FaultContext } from './fault.ts';

/** A section of the textbook with the ids of its chunks, in reading order. */
export interface Section {
  readonly source: string;
  readonly ids: readonly string[];
}

/** Each fault has places of its own in one shuffled list, so that faults of one seed never strike the same section. */
const PLACES = {
  'delete-sections': [0, 3],
  'corrupt-vectors': [3, 5],
  'edit-payload': [5, 7],
  orphans: [7, 8],
} as const;

/**
 * The sections that a fault strikes, by its seed. They are read from Postgres, which Qdrant's faults leave alone, so the
 * choice does not depend on what is broken already. Synthetic sections are never chosen: no question asks for them.
 */
export async function chooseSections(
  { pool }: Stores,
  fault: keyof typeof PLACES,
  { seed = 1 }: FaultContext,
): Promise<Section[]> {
  const { rows } = await pool.query<Section>(
    `SELECT source, array_agg(id::text ORDER BY chunk_index) AS ids FROM chunks
     WHERE source NOT LIKE 'synthetic%' GROUP BY source ORDER BY source COLLATE "C"`,
  );
  const [from, to] = PLACES[fault];
  const chosen = shuffled(rows, seed).slice(from, to);
  if (chosen.length < to - from) throw new Error(`${fault} needs more sections than the ${rows.length} there are`);
  return chosen;
}

/** The items in an order that the seed alone decides (mulberry32), since Math.random cannot be repeated. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const draw = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const drawn = items.map((item) => ({ item, place: draw() }));
  return drawn.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** `a.md#b, c.md#d and e.md#f` */
export function nameSections(sections: readonly Section[]): string {
  return new Intl.ListFormat('en-GB').format(sections.map(({ source }) => source));
}

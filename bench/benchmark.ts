/** One line of the result: what we measured beside its limit or peer. `null` is what this line has none of. */
export interface Row {
  readonly name: string;
  readonly ours: number | null;
  /** What the machine itself allows, or what must not be exceeded. */
  readonly limit: number | null;
  /** Somebody else's tool at the same task. */
  readonly peer: number | null;
  /** `ours / limit`. */
  readonly ratio: number | null;
  /** In words, since some goals have two parts. */
  readonly goal: string;
  readonly ok: boolean;
  readonly unit: string;
}

/** What a benchmark is given. */
export interface Bench {
  /** 1 for the full sizes. */
  readonly scale: number;
  /** Progress and how things were measured, for people. */
  say(line: string): void;
  /** A full size at the scale of this run, at least `least`. */
  sized(full: number, least?: number): number;
}

export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(bench: Bench): Promise<Row[]>;
}

/** @param parts `ours`, its limit, and what the goal makes of them; everything else is derived */
export function row(
  parts: Omit<Row, 'peer' | 'ratio' | 'limit' | 'ours'> & {
    readonly ours: number;
    readonly limit: number;
    readonly peer?: number;
  },
): Row {
  const { name, ours, limit, peer = null, goal, ok, unit } = parts;
  return { name, ours, limit, peer, ratio: ours / limit, goal, ok, unit };
}

/** The line of a benchmark that came to no result. It is not ok: a measurement that failed proves nothing. */
export function failedRow(name: string): Row {
  return { name, ours: null, limit: null, peer: null, ratio: null, goal: 'a result', ok: false, unit: '' };
}

/** What a stack tells of itself when it is only looked at. */
import type { PointId } from './point-id.ts';

export type Payload = Readonly<Record<string, unknown>>;

/** One vector of a collection. */
export interface FoundVector {
  /** Absent for the unnamed one. */
  readonly name?: string | undefined;
  readonly size: number;
  readonly distance: string;
}

export interface FoundCollection {
  readonly collection: string;
  /** An alias that stands for it, where there is one. */
  readonly alias?: string | undefined;
  readonly points: number;
  readonly vectors: readonly FoundVector[];
  readonly indexes: readonly string[];
  /** One page of points. */
  readonly sample: readonly { readonly id: PointId; readonly payload: Payload }[];
}

export interface FoundColumn {
  readonly name: string;
  /** As `format_type` tells it: `uuid`, `text[]`, `jsonb`. */
  readonly type: string;
  /** Whether a row needs a value for it: NOT NULL and no default. */
  readonly needed: boolean;
}

export interface FoundTable {
  /** With its schema, unless that is on the search path. */
  readonly table: string;
  readonly columns: readonly FoundColumn[];
  readonly primaryKey: readonly string[];
  /** Single columns that refer to another table. */
  readonly references: readonly { readonly column: string; readonly table: string }[];
  /** Some rows. */
  readonly rows: readonly Payload[];
}

/** Where ids of points were found among the rows. */
export interface FoundIds {
  readonly table: string;
  readonly column: string;
  readonly matched: number;
  readonly rows: readonly Payload[];
}

export interface FoundDatabase {
  readonly tables: readonly FoundTable[];
  /** The columns that hold ids of the sampled points, most first. */
  readonly ids: readonly FoundIds[];
}

/** One operation of the app's OpenAPI. */
export interface FoundOperation {
  readonly method: string;
  readonly path: string;
  /** Fields of the JSON body by name, and their types. */
  readonly body: Readonly<Record<string, string>>;
  /** Fields of the answer with status 200. */
  readonly answer: Readonly<Record<string, string>>;
}

export interface FoundApp {
  /** Empty where the app describes nothing. */
  readonly operations: readonly FoundOperation[];
  /** Health paths that answer, and what they say. */
  readonly health: readonly { readonly path: string; readonly status: number; readonly body: unknown }[];
}

/** Everything that was found; absent what was not asked, or did not answer. */
export interface Found {
  readonly qdrant?: FoundCollection | undefined;
  readonly postgres?: FoundDatabase | undefined;
  readonly app?: FoundApp | undefined;
}

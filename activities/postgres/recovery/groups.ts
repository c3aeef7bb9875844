import { z } from 'zod';
import type { Session } from '../client.ts';
import type { Table } from './catalog.ts';

/** Tables that foreign keys tie together, parents before children. */
export interface Group {
  readonly tables: readonly Table[];
  /** Some of them refer to each other in a circle, so that no order has every parent first. */
  readonly circular: boolean;
}

const edgeSchema = z.object({ child: z.string(), parent: z.string() });
type Edge = z.infer<typeof edgeSchema>;

const EDGES = `
  SELECT child.sql AS child, parent.sql AS parent
    FROM pg_catalog.pg_constraint c
    JOIN unnest($1::text[]) AS child(sql) ON c.conrelid = to_regclass(child.sql)
    JOIN unnest($1::text[]) AS parent(sql) ON c.confrelid = to_regclass(parent.sql)
   WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid <> c.confrelid`;

/** Splits tables into groups by the foreign keys of the database that the session sees. */
export async function groupTables(session: Session, tables: readonly Table[]): Promise<Group[]> {
  const edges = await session.rows(edgeSchema, EDGES, [tables.map(({ sql }) => sql)]);
  const groups: Group[] = [];
  const waiting = new Map(tables.map((table) => [table.sql, table]));
  for (const { sql } of tables) {
    if (!waiting.has(sql)) continue;
    const reached = connected(sql, edges);
    groups.push(
      inOrder(
        [...waiting.values()].filter((table) => reached.has(table.sql)),
        edges,
      ),
    );
    for (const one of reached) waiting.delete(one);
  }
  return groups;
}

function connected(from: string, edges: readonly Edge[]): Set<string> {
  const reached = new Set([from]);
  // A set that grows while it is gone through is gone through to its last end.
  for (const table of reached) {
    for (const { child, parent } of edges) {
      if (child === table) reached.add(parent);
      if (parent === table) reached.add(child);
    }
  }
  return reached;
}

function inOrder(tables: readonly Table[], edges: readonly Edge[]): Group {
  const ordered: Table[] = [];
  let left = [...tables];
  let circular = false;
  while (left.length > 0) {
    const names = new Set(left.map(({ sql }) => sql));
    const free = left.filter(({ sql }) => !edges.some(({ child, parent }) => child === sql && names.has(parent)));
    circular ||= free.length === 0;
    const next = free.length > 0 ? free : left.slice(0, 1);
    ordered.push(...next);
    left = left.filter((table) => !next.includes(table));
  }
  return { tables: ordered, circular };
}

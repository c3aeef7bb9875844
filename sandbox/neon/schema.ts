import { join } from 'node:path';
import type { BranchSchemaJSON } from '@neondatabase/api-client';
import { z } from 'zod';
import { ADMIN, type Cluster, runProgram } from './cluster.ts';
import { notFound } from './errors.ts';
import { type Asked, findMoment, isHead } from './moments.ts';
import { type Plane, readyBranchOf } from './plane.ts';

/** The schema of one database as it is, or as it was at a moment. @throws NeonError */
export async function schemaOf(
  plane: Plane,
  branchId: string,
  database: string,
  asked: Asked,
  format: 'sql' | 'json',
): Promise<{ sql: string } | { json: BranchSchemaJSON }> {
  const branch = readyBranchOf(plane, branchId);
  const moment = await findMoment(plane, branch, asked);
  const read = async (cluster: Cluster) => {
    const known = await cluster.query('select 1 from pg_database where datname = $1', [database]);
    if (known.length === 0) throw notFound(`database ${database}`);
    return format === 'sql'
      ? { sql: await dump(plane, cluster, database) }
      : { json: await describe(cluster, database) };
  };
  if (isHead(asked)) return plane.timelines.use(branch.timeline, read);
  const { cluster, touch } = await plane.timeTravel.open(branch, moment);
  touch();
  return read(cluster);
}

async function dump({ timelines, state }: Plane, cluster: Cluster, database: string): Promise<string> {
  const { environment } = timelines.history;
  const what = ['--schema-only', '--no-privileges', '--restrict-key', 'neon', '--dbname'];
  const url = cluster.url(ADMIN, state.adminPassword, database);
  return runProgram(environment, join(environment.binDir, 'pg_dump'), [...what, url], cluster.folder);
}

const tablesSchema = z.array(
  z.object({
    schema: z.string(),
    name: z.string(),
    columns: z.array(z.object({ name: z.string(), type: z.string(), nullable: z.boolean(), generated: z.boolean() })),
    constraints: z.array(z.object({ name: z.string(), type: z.string(), columns: z.array(z.string()) })),
  }),
);

const TABLES = `
  select n.nspname as schema, c.relname as name,
    (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'nullable', not a.attnotnull, 'generated', a.attgenerated <> '') order by a.attnum), '[]')
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(json_agg(json_build_object('name', k.conname,
        'type', case k.contype when 'p' then 'primary_key' when 'f' then 'foreign_key' when 'u' then 'unique'
          when 'c' then 'check' else k.contype::text end,
        'columns', (select coalesce(json_agg(a.attname order by o.place), '[]')
          from unnest(k.conkey) with ordinality o(number, place)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = o.number)) order by k.conname), '[]')
      from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n') as constraints
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
  order by 1, 2`;

async function describe(cluster: Cluster, database: string): Promise<BranchSchemaJSON> {
  return { tables: tablesSchema.parse(await cluster.query(TABLES, [], database)) };
}

import type { PostgresConfig } from '../../config/schema.ts';
import type { Secret } from '../../config/secret.ts';
import type { ArtifactStore } from '../../domain/artifacts.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RecoverySet } from '../../domain/recovery-set.ts';
import type { PostgresPart } from '../../domain/set-parts.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { Work } from '../progress.ts';
import { checkStructure } from './amcheck.ts';
import { LONG_DEADLINES, type Session, withSession } from './client.ts';
import { constraintGates } from './constraints.ts';
import { postgresPartOf, type Restorer } from './restore.ts';
import { checkRowIndex } from './row-index.ts';
import { scratchUrl } from './scratch-database.ts';
import { readTableState } from './table-state.ts';
import { readTexts } from './texts.ts';

/**
 * Compares a restored database with what the set says of it, and checks it by itself.
 * @throws POSTGRES_*, INVALID_INPUT, SET_TAMPERED, STORE_*
 */
export async function checkRestored(
  { config, store, path }: Restorer,
  { set, scratch }: { set: RecoverySet; scratch: string },
  work: Work,
): Promise<Gate[]> {
  const part = postgresPartOf(set);
  const url = scratchUrl(config, scratch);
  const stages: [phase: string, check: () => Promise<Gate[]>][] = [
    ['structure', async () => [await checkStructure({ binDir: config.binDir, path }, config.dumpJobs, url, work)]],
    ['constraints', () => inScratch(url, constraintGates, work)],
    ['tables', () => inScratch(url, (session) => tableGates(session, part), work)],
    ['row index', () => indexGates(config, store, part, url, work)],
    ['canary', () => canaryGates(config, set, url, work)],
  ];
  const gates: Gate[] = [];
  for (const [done, [phase, check]] of stages.entries()) {
    work.report({ phase: `check the restored database (${phase})`, done, total: stages.length });
    gates.push(...(await check()));
  }
  return gates;
}

function inScratch<T>(url: Secret, task: (session: Session) => Promise<T>, work: Work): Promise<T> {
  return withSession(url, 'read', task, LONG_DEADLINES, work.signal);
}

/** Every table that the set counted has as many rows, and the same ones. */
async function tableGates(session: Session, { rows, fingerprints }: PostgresPart): Promise<Gate[]> {
  const gates: Gate[] = [];
  for (const [table, expected] of Object.entries(rows)) {
    const state = await readTableState(session, table, 'the restored database').catch(absent);
    gates.push(equal(`rows of ${table}`, String(expected), state ? String(state.rows) : 'no such table'));
    const fingerprint = fingerprints[table];
    const name = `fingerprint of ${table}`;
    if (fingerprint === undefined) {
      gates.push({ name, verdict: 'unproven', expected: 'one in the set', observed: 'the set has none' });
    } else gates.push(equal(name, fingerprint, state?.fingerprint ?? 'no such table'));
  }
  return gates;
}

function absent(error: unknown): undefined {
  if (error instanceof RecoveryError && error.code === 'UNEXPECTED_SCHEMA') return undefined;
  throw error;
}

function equal(name: string, expected: string, observed: string): Gate {
  return { name, verdict: expected === observed ? 'pass' : 'fail', expected, observed };
}

async function indexGates(
  { tables: { chunks } }: PostgresConfig,
  store: ArtifactStore,
  { index }: PostgresPart,
  url: Secret,
  work: Work,
): Promise<Gate[]> {
  const name = 'chunk rows by the row index';
  const expected = 'the same lines';
  if (!chunks && !index) return [];
  if (!chunks) return [{ name, verdict: 'unproven', expected, observed: 'no chunks table is configured' }];
  if (!index) return [{ name, verdict: 'unproven', expected, observed: 'the set has no row index' }];
  return [await checkRowIndex(store, index, { url, chunks, name, expected }, work.signal)];
}

async function canaryGates(
  { tables: { chunks } }: PostgresConfig,
  { canary }: RecoverySet,
  url: Secret,
  work: Work,
): Promise<Gate[]> {
  if (!canary?.inRows) return [];
  const name = 'canary among the rows';
  const expected = 'the paragraph that was planted for this very set';
  if (!chunks) return [{ name, verdict: 'unproven', expected, observed: 'no chunks table is configured' }];
  const [row] = (await readTexts({ url }, chunks, [canary.pointId], work.signal).catch(absent)) ?? [];
  const observed = row === undefined ? 'nothing there' : row.text === canary.text ? 'found' : `another text`;
  return [{ name, verdict: observed === 'found' ? 'pass' : 'fail', expected, observed }];
}

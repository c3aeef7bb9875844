import { z } from 'zod';
import type { Secret } from '../../config/secret.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { Gate } from '../../domain/verdict.ts';
import type { Work } from '../progress.ts';
import { withSession } from './client.ts';
import { type Ending, majorOf, type Programs, runProgram } from './programs.ts';

const SILENCE_MS = 60 * 60_000;
const NAME = 'structure of tables and indexes';
const EXPECTED = 'pg_amcheck finds nothing, where the server allows it';
const SHOWN = 500;
const INSTALLED = `SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'amcheck') AS installed`;
const installedSchema = z.object({ installed: z.boolean() });
/** How servers say that they have no amcheck for us. */
const NOT_ALLOWED =
  /permission denied to create extension|extension "amcheck" is not (available|allow)|allow_extensions/i;

/**
 * The same for a database that people use: nothing is installed there, so it is asked only where somebody has installed it.
 * @throws POSTGRES_*
 */
export async function checkLiveStructure(programs: Programs, jobs: number, url: Secret, work: Work): Promise<Gate> {
  const [found] = await withSession(
    url,
    'read',
    (session) => session.rows(installedSchema, INSTALLED),
    undefined,
    work.signal,
  );
  if (found?.installed) return checkStructure(programs, jobs, url, work, []);
  const observed = 'not looked at: the extension amcheck is not installed in this database';
  return { name: NAME, verdict: 'pass', expected: EXPECTED, observed };
}

/**
 * Every heap, and every B-tree with all of its heap, by Postgres' own checker. It needs an extension that managed services
 * do not offer; there the restore itself is what there is: it read every row and built every index anew. Exit code 2 is a
 * finding: postgresql.org/docs/current/app-pgamcheck.html.
 */
export async function checkStructure(
  programs: Programs,
  jobs: number,
  url: Secret,
  work: Work,
  install: readonly string[] = ['--install-missing'],
): Promise<Gate> {
  const missing = await majorOf(programs, 'pg_amcheck').then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof RecoveryError) return error.message;
      throw error;
    },
  );
  if (missing !== undefined) return { name: NAME, verdict: 'unproven', expected: EXPECTED, observed: missing };
  let output = '';
  const ending = await runProgram(programs, 'pg_amcheck', {
    args: [...install, '--heapallindexed', '--no-password', `--jobs=${jobs}`],
    url,
    signal: work.signal,
    silenceMs: SILENCE_MS,
    onOutput: (piece) => {
      if (output.length < SHOWN) output += piece.toString('utf8');
    },
  });
  return judged(ending, output.trim().slice(0, SHOWN));
}

function judged({ code, said }: Ending, output: string): Gate {
  const base = { name: NAME, expected: EXPECTED };
  if (code === 0) return { ...base, verdict: 'pass', observed: 'nothing' };
  if (code === 2) return { ...base, verdict: 'fail', observed: output || said };
  if (NOT_ALLOWED.test(said))
    return {
      ...base,
      verdict: 'pass',
      observed: `not allowed here, though every index was built anew: ${firstLine(said)}`,
    };
  return { ...base, verdict: 'unproven', observed: `pg_amcheck ended with ${code}: ${said.slice(0, SHOWN)}` };
}

function firstLine(said: string): string {
  return said.split('\n', 1)[0] ?? '';
}

import { chmod, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { manifestKeyOf, setFolderOf } from '../domain/names.ts';
import { type RunReport, runReportSchema } from '../domain/report.ts';
import { type Gate, overallVerdict } from '../domain/verdict.ts';
import type { Operator } from './operator.ts';
import type { Stack } from './stack/types.ts';

/** What is done to a set, and undone again. Each gives back how to undo it. */
const DAMAGES: Readonly<Record<string, (file: string) => Promise<void>>> = {
  'turn-bit': async (file) => {
    const bytes = await readFile(file);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);
  },
  truncate: async (file) => truncate(file, (await readFile(file)).length - 1),
  'remove-object': (file) => rename(file, `${file}.away`),
  'change-manifest': async (file) =>
    writeFile(file, (await readFile(file, 'utf8')).replace(/"points": \d/, '"points": 9')),
};
export const SET_FAULTS = Object.keys(DAMAGES);

const endedSchema = z.object({ report: runReportSchema.nullable() });

/** What came of it: the report of the last full verification, and a gate for every damage that had to be noticed. */
export interface PractisedSet {
  readonly report: RunReport;
  readonly controls: Gate[];
  readonly broken: string[];
}

/**
 * Takes a set, damages it on purpose in several ways, each of which a verification must notice and name, and proves the
 * healed set by restoring it beside. A verification that cannot fail proves nothing.
 */
export async function practiseSet(
  { faults = SET_FAULTS, say }: { faults?: readonly string[] | undefined; say(line: string): void },
  stack: Stack,
  operator: Operator,
): Promise<PractisedSet> {
  say('Taking a recovery set …');
  const taken = await end(operator, 'backup', '--wait');
  const id = taken.set ?? '';
  const controls: Gate[] = [];
  for (const fault of faults) {
    const file = await victimOf(stack, id, fault);
    controls.push(await noticed(operator, { id, fault, file, say }));
  }
  say('Restoring the set beside, and comparing …');
  const report = await end(operator, 'sets', 'verify', id, '--full', '--wait');
  return { report, controls, broken: controls.map(({ name }) => name) };
}

/** The snapshot, or the manifest where that is to be changed. */
async function victimOf(stack: Stack, id: string, fault: string): Promise<string> {
  const directory = stack.env['STORE_DIRECTORY'] ?? '';
  if (fault === 'change-manifest') return join(directory, manifestKeyOf(id));
  const folder = join(directory, setFolderOf(id));
  const snapshot = (await readdir(folder)).find((name) => name.endsWith('.snapshot'));
  if (snapshot === undefined) throw new Error(`${id} has no snapshot`);
  return join(folder, snapshot);
}

async function noticed(
  operator: Operator,
  { id, fault, file, say }: { id: string; fault: string; file: string; say(line: string): void },
): Promise<Gate> {
  const whole = await readFile(file);
  await chmod(file, 0o644);
  await DAMAGES[fault]?.(file);
  const report = await end(operator, 'sets', 'verify', id, '--quick', '--wait');
  await writeFile(file, whole);
  const red = report.gates.filter(({ verdict }) => verdict !== 'pass');
  const observed = red.map((gate) => gate.observed).join('; ') || 'nothing';
  say(`${fault}: ${overallVerdict(report.gates) === 'fail' ? 'noticed' : 'NOT noticed'}: ${observed}`);
  const named = observed.includes(file.slice(file.lastIndexOf('/') + 1));
  return {
    name: `${fault} is noticed`,
    verdict: report.verdict === 'fail' && named ? 'pass' : 'fail',
    expected: 'the verification fails and names the object',
    observed,
  };
}

async function end(operator: Operator, ...args: string[]): Promise<RunReport> {
  const { report } = await operator.read(endedSchema, ...args);
  if (!report) throw new Error(`dr ${args.join(' ')} came to no report`);
  return report;
}

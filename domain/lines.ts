import { RecoveryError } from './failures.ts';
import type { IndexEntry, RowEntry, VectorFault } from './index-entry.ts';
import { isPointId } from './point-id.ts';
import type { Finding } from './reconcile.ts';

/**
 * One id index line: `id TAB text TAB body TAB fault TAB section TAB vector`. Sections are JSON text when they hold a tab or
 * newline. Older lines end with the section.
 */
export function indexLine(entry: IndexEntry): string {
  const { id, text, body, fault = '', section = '', vector } = entry;
  return `${id}\t${text}\t${body}\t${fault}\t${quoted(section)}\t${vector}`;
}

/** @throws RecoveryError SET_TAMPERED for a line that we could not have written */
export function parseIndexLine(line: string): IndexEntry {
  // Places rather than pieces: an index has a line for every point, and `split` makes an array for each.
  const afterId = line.indexOf('\t');
  const afterText = line.indexOf('\t', afterId + 1);
  const afterBody = line.indexOf('\t', afterText + 1);
  const afterFault = line.indexOf('\t', afterBody + 1);
  const id = line.slice(0, afterId);
  if (afterId < 0 || afterText < 0 || afterBody < 0 || afterFault < 0 || !isPointId(id))
    throw new RecoveryError('SET_TAMPERED', `id index: not a line of an index: ${line.slice(0, 80)}`);
  const text = line.slice(afterId + 1, afterText);
  const body = line.slice(afterText + 1, afterBody);
  const fault = line.slice(afterBody + 1, afterFault);
  const afterSection = line.indexOf('\t', afterFault + 1);
  const section = afterSection < 0 ? line.slice(afterFault + 1) : line.slice(afterFault + 1, afterSection);
  const vector = afterSection < 0 ? '' : line.slice(afterSection + 1);
  if (fault === '' && section !== '') return { id, text, body, vector, section: unquoted(section) };
  return {
    id,
    text,
    body,
    vector,
    ...(fault === '' ? {} : { fault: fault as VectorFault }),
    ...(section === '' ? {} : { section: unquoted(section) }),
  };
}

/** One row index line: `id TAB text TAB section`, the section as in `indexLine`. */
export function rowLine({ id, text, section }: RowEntry): string {
  return `${id}\t${text}\t${quoted(section)}`;
}

/** @throws RecoveryError SET_TAMPERED for a line that we could not have written */
export function parseRowLine(line: string): RowEntry {
  const [id = '', text, section, ...more] = line.split('\t');
  if (!isPointId(id) || text === undefined || section === undefined || more.length > 0)
    throw new RecoveryError('SET_TAMPERED', `row index: not a line of an index: ${line.slice(0, 80)}`);
  return { id, text, section: unquoted(section) };
}

/** One finding as a line of JSON. */
export function findingLine(finding: Finding): string {
  return JSON.stringify(finding);
}

/** The artifact's hash was checked as it was read, so what it holds is what we wrote. */
export function parseFindingLine(line: string): Finding {
  return JSON.parse(line) as Finding;
}

function quoted(text: string): string {
  return /[\t\n\r"]/.test(text) ? JSON.stringify(text) : text;
}

function unquoted(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

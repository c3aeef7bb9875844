import { parseEnv } from 'node:util';
import { refused } from './refusal.ts';

const QUOTED = /(?<==[ \t]*)(?:"(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`)/g;
const ASSIGNMENT = /^\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]{0,99}\s*=/;
/** The end of a long value in base64 that was broken into lines: `=` fills it up. */
const BASE64_END = /^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/_-]+={1,2}$/;
const LONG = 60;
const NOTHING = /^\s*(?:#.*)?$/;

/**
 * The variables of an `.env` file.
 * @param what file and setting, for messages
 * @throws CONFIGURATION_REFUSED for a file with a line that is neither a variable nor a comment. Such a line is usually the
 * rest of a value that lacks its quotes, and its beginning would pass for a name, which goes into the manifest in clear
 */
export function parseVariables(what: string, text: string): Map<string, string> {
  const withoutMark = text.replace(/^\uFEFF/, '');
  // Quoted values may have several lines. Lines keep their numbers.
  const lines = withoutMark.replace(QUOTED, (value) => `""${value.replace(/[^\n]/g, '')}`).split(/\r?\n/);
  const stray = lines.findIndex(
    (line, at) =>
      !NOTHING.test(line) &&
      (!ASSIGNMENT.test(line) || (BASE64_END.test(line) && (lines[at - 1] ?? '').length >= LONG)),
  );
  if (stray !== -1) {
    throw refused(
      `${what}: line ${stray + 1} is neither NAME=value nor a comment. Put values of several lines between quotes`,
    );
  }
  const entries = Object.entries(parseEnv(withoutMark));
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

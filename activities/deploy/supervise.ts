import type { ProgramConfig } from '../../config/deploy.ts';

/**
 * Runs "$@" and watches standard input: at its end, which is that of the worker or of the connection, the whole group of processes
 * goes. Without it, what a dead worker has begun would go on beside what its successor begins. What a program leaves behind when it
 * has ended well is let live. The words of a program are data here: no shell reads them.
 */
export const SUPERVISE = `exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$program"; code=$?
kill -9 "$watch" 2>/dev/null
[ "$code" = 255 ] && code=254
exit "$code"
`;

/** Where a shell says by its own exit code that there is no such folder. */
const NO_FOLDER = 125;

/**
 * The same for a shell that reads it from its standard input: variables and words never stand on a command line, where everybody on
 * that server could read them. One block, so that a part of it, when the connection is cut, is not begun.
 */
export function remoteScript(program: ProgramConfig, variables: Readonly<Record<string, string>>): string {
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}; export ${name}\n`);
  const folder = program.cwd === undefined ? '' : `cd ${quote(program.cwd)} || exit ${NO_FOLDER}\n`;
  return `{\n${settings.join('')}${folder}set -- ${program.run.map(quote).join(' ')}\n${SUPERVISE}}\n`;
}

/** One word for a POSIX shell, whatever stands in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What the exit code of a supervised program means, where the shell has a word of its own for it. */
export function problemOf(problem: string, program: ProgramConfig): string {
  if (/code 127$/.test(problem)) return 'is not there';
  if (/code 126$/.test(problem)) return 'may not be run';
  if (new RegExp(`code ${NO_FOLDER}$|cannot be started`).test(problem))
    return `${problem} (is there a folder ${program.cwd ?? ''}?)`;
  return problem;
}

/** What the exit code of every command means. `dr --help` prints this table. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done; for a run: verdict pass' },
  notPassed: {
    code: 1,
    meaning: 'the run failed or ended refused, its verdict is not pass, or what was looked at is not as it should be',
  },
  wrongUse: { code: 2, meaning: 'wrong use: an argument, an input or a setting is not right' },
  refused: { code: 3, meaning: 'what this command asked for was refused, by the run or by the policy' },
  unreachable: {
    code: 4,
    meaning: 'Temporal, the worker, the store or the sandbox cannot be reached, or did not answer in time',
  },
  notFound: { code: 5, meaning: 'there is no such run, set or fault' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;
export type ExitCode = (typeof EXIT_CODES)[ExitName]['code'];

export function describeExitCodes(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return ['Exit codes:', ...lines].join('\n');
}

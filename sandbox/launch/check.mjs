import { join } from 'node:path';
import { run } from './command.mjs';

const CHECKS = [
  { name: 'types', program: 'tsc', args: [] },
  { name: 'lint', program: 'eslint', args: ['.'] },
  { name: 'dead code', program: 'knip', args: [] },
  { name: 'format', program: 'prettier', args: ['--check', '--log-level', 'warn', '.'] },
];

/** Runs every check, also after one has failed, and says of each how it went. Exit code 1 when any failed. */
export async function check(folder, env) {
  const failed = [];
  for (const { name, program, args } of CHECKS) {
    const startedAt = Date.now();
    const result = await run(join(folder, 'node_modules', '.bin', program), args, { cwd: folder, env });
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    const ok = result.code === 0;
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name} (${[program, ...args].join(' ')}, ${seconds} s)\n`);
    if (ok) continue;
    failed.push(name);
    process.stdout.write(`${result.output.trimEnd()}\n`);
  }
  process.stdout.write(failed.length === 0 ? 'All checks passed\n' : `Failed: ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}

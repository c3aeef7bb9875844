import Table from 'cli-table3';
import pc from 'picocolors';
import type { Stack } from './types.ts';

/** What people read when the sandbox is up: its parts, where to look, and what to try. */
export function renderStack(stack: Stack, controlUrl: string): string {
  const table = new Table({
    head: ['part', 'state', 'address', 'what runs'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, state, address, source } of stack.parts()) table.push([name, state, address, source]);
  const lines = [
    table.toString(),
    '',
    `Web UI       ${pc.bold(stack.urls.temporalUi)}`,
    `App          ${stack.urls.app}`,
    `Control      ${controlUrl} (token in .sandbox/current.json)`,
    `Data, logs   ${stack.dir}`,
    '',
    'In another terminal:',
    `  npm run dr -- start backup --wait     ${pc.dim('take a recovery set')}`,
    `  npm run dr -- break --list            ${pc.dim('what can be broken')}`,
    `  npm run dr -- break qdrant delete-sections`,
    `  npm run dr -- start partial-loss      ${pc.dim('recover; then approve, in the Web UI or with dr approve')}`,
    `  npm run dr -- status --watch`,
    '',
    'Ctrl-C stops everything. The data stays for the next start; --fresh begins with none.',
  ];
  return lines.join('\n');
}

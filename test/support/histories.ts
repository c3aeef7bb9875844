import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { WorkflowHandle } from '@temporalio/client';

/** The history of a run as JSON text. Keeps it for the replay tests, when asked to by `RECORD_HISTORIES=1`. */
export async function historyOf(run: Pick<WorkflowHandle, 'fetchHistory'>, name: string): Promise<string> {
  const json = historyToJSON(await run.fetchHistory());
  if (process.env['RECORD_HISTORIES'] === '1') {
    const folder = join(process.cwd(), 'test/replay/histories');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(JSON.parse(json), null, 1)}\n`);
  }
  return json;
}

/** Payloads are base64 in a history. */
export function decoded(history: string): string {
  const payloads = history.match(/"data":\s*"[^"]+"/g) ?? [];
  return (
    history + payloads.map((one) => Buffer.from(one.replace(/^.*"([^"]+)"$/, '$1'), 'base64').toString('utf8')).join()
  );
}

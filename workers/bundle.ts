/**
 * `node workers/bundle.ts FILE`: puts the workflows together for `workers/main.ts --bundle FILE`. For images: a worker that finds
 * it done starts sooner, and where nothing can be written the compiler would not even load.
 */
import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { WORKFLOWS } from './workflows-path.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Name the file: node workers/bundle.ts FILE\n');
  process.exitCode = 2;
} else {
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS });
  await writeFile(file, code);
}

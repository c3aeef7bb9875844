import { spawn } from 'node:child_process';

const KEEP_CHARACTERS = 200_000;

/**
 * Runs a program without a terminal of its own and keeps the end of what it printed.
 * @returns {Promise<{code: number | null, output: string}>} `code` null when the program is not there or was killed
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-KEEP_CHARACTERS));
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => resolve({ code: null, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** The last lines of a program's output, for an error message. */
export function tail(output, lines = 8) {
  return output.trimEnd().split('\n').slice(-lines).join('\n');
}

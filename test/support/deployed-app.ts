import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { freePort } from './ports.ts';

/** Says which release it is, and what it was told. It lives on when the script that has started it ends. */
const SERVER = `
const { createServer } = require('node:http');
const { unlinkSync, writeFileSync } = require('node:fs');
const [release, port, folder] = process.argv.slice(2);
const mine = folder + '/alive-' + process.pid;
process.on('SIGTERM', () => { unlinkSync(mine); process.exit(0); });
createServer((_, response) => response.end(JSON.stringify({ release, greeting: process.env.GREETING })))
  .listen(Number(port), '127.0.0.1', () => writeFileSync(mine, release));
`;

/** Ends what runs and starts the release; \`bad\` tells all it knows and fails, \`hung\` does not end, \`slow\` takes its time. */
const UP = `
const { spawn } = require('node:child_process');
const { appendFileSync, existsSync, readdirSync, writeFileSync } = require('node:fs');
const [release, ref, port, folder] = process.argv.slice(2);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  console.log('deploying ' + ref + ', pid ' + process.pid);
  appendFileSync(folder + '/begun', release + '\\n');
  if (ref === 'bad') {
    console.log('connecting to ' + process.env.DATABASE_URL);
    console.error('cannot open the database with ' + process.env.SECRET_TOKEN);
    process.exit(3);
  }
  if (ref === 'hung') await pause(3_600_000);
  for (const name of readdirSync(folder).filter((one) => one.startsWith('alive-'))) {
    try { process.kill(Number(name.slice(6)), 'SIGTERM'); } catch {}
    while (existsSync(folder + '/' + name)) await pause(5);
  }
  const server = spawn(process.execPath, [folder + '/server.cjs', release, port, folder], { detached: true, stdio: 'ignore' });
  server.unref();
  while (!existsSync(folder + '/alive-' + server.pid)) await pause(5);
  await pause(ref === 'slow' ? 600 : 0);
  console.log('deployed ' + ref);
})();
`;

const FIND = `
const { readdirSync, readFileSync } = require('node:fs');
const [folder] = process.argv.slice(2);
const [name] = readdirSync(folder).filter((one) => one.startsWith('alive-'));
console.log('looking');
console.log(JSON.stringify(
  name ? { state: 'running', release: readFileSync(folder + '/' + name, 'utf8'), id: Number(name.slice(6)) } : { state: 'absent' },
));
`;

const DOWN = `
const { existsSync, readdirSync } = require('node:fs');
const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder).filter((one) => one.startsWith('alive-'))) process.kill(Number(name.slice(6)), 'SIGTERM');
`;

/** A server's folder with an app in it, and the scripts of its people. */
export interface AppFolder {
  readonly folder: string;
  readonly settings: object;
  serves(): Promise<{ release: string; greeting: string } | undefined>;
  /** Apps of a release that run. */
  count(release: { pinned: string }): Promise<number>;
  /** How often a deployment was begun. */
  begun(): number;
  close(): void;
}

export async function makeApp(): Promise<AppFolder> {
  const folder = temporaryFolder('deployed');
  const port = String(await freePort());
  for (const [name, text] of Object.entries({ 'server.cjs': SERVER, 'up.cjs': UP, 'find.cjs': FIND, 'down.cjs': DOWN }))
    writeFileSync(join(folder, name), text);
  const node = process.execPath;
  const pids = (): number[] =>
    readdirSync(folder)
      .filter((name) => name.startsWith('alive-'))
      .map((name) => Number(name.slice(6)));
  return {
    folder,
    settings: {
      run: [
        { run: [node, '-e', 'console.log("it\'s $HOME; `id` " + process.argv[1])', '{ref}'] },
        { run: [node, './up.cjs', '{pinned}', '{ref}', port, folder], cwd: folder, timeoutSeconds: 2 },
      ],
      find: { run: [node, join(folder, 'find.cjs'), folder] },
      stop: [{ run: [node, join(folder, 'down.cjs'), folder] }],
      stateFile: join(folder, 'state.json'),
      readySeconds: 5,
      pollSeconds: 0.05,
    },
    serves: async () => {
      const reply = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
      return (await reply?.json()) as { release: string; greeting: string } | undefined;
    },
    count: async ({ pinned }) =>
      pids().filter((pid) => readFileSync(join(folder, `alive-${pid}`), 'utf8') === pinned).length,
    begun: () => {
      try {
        return readFileSync(join(folder, 'begun'), 'utf8').trim().split('\n').length;
      } catch {
        return 0;
      }
    },
    close: () => {
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

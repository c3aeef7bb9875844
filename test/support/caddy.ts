import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { readPython } from '../../sandbox/launch/python.mjs';
import { findProgram } from '../../sandbox/stack/find.ts';
import { until } from './until.ts';

/** A server's process that can be ended and started again. */
export interface Program {
  down(): Promise<void>;
  up(): Promise<void>;
}

/** Caddy as the sandbox finds it. */
export function findCaddy(): string | undefined {
  return findProgram('caddy', {
    configured: process.env['SANDBOX_CADDY'],
    variable: 'SANDBOX_CADDY',
    searchPath: process.env['PATH'] ?? '',
    provided: readPython()?.bin ?? '',
  })?.path;
}

export type AdminMethod = 'GET' | 'PATCH' | 'PUT' | 'DELETE';

/** A raw request to the admin API. Not by `fetch`, which Caddy takes for a web page's doing and turns away. */
export async function askCaddy(url: string, method: AdminMethod, json?: unknown): Promise<unknown> {
  const body = json === undefined ? null : JSON.stringify(json);
  const answer = await request(url, { method, body, reset: true, headers: { 'content-type': 'application/json' } });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** Runs a program that is ready when `ready` does not throw. */
export function runProgram(
  program: string,
  args: readonly string[],
  folder: string,
  ready: () => Promise<unknown>,
): Program {
  let running: ChildProcess | undefined;
  const down = async (): Promise<void> => {
    const own = running;
    running = undefined;
    if (!own || own.exitCode !== null || own.signalCode !== null) return;
    const ended = new Promise((resolve) => own.once('close', resolve));
    own.kill('SIGKILL');
    await ended;
  };
  return {
    async up() {
      let output = '';
      const own = spawn(program, args, {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      running = own;
      own.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
      try {
        await until(ready, () => (own.exitCode === null ? undefined : `it ended:\n${output}`));
      } catch (error) {
        await down();
        throw error;
      }
    },
    down,
  };
}

/** Caddy before one app, as the sandbox has it. @param more keys of the handler */
export function startCaddy(
  program: string,
  folder: string,
  {
    admin,
    origins,
    port,
    upstreams,
    more = {},
  }: {
    /** Its own address: a port, or a socket as Caddy writes it. */
    readonly admin: string;
    /** Whom it lets in; its own address when absent. */
    readonly origins?: readonly string[];
    readonly port: number;
    readonly upstreams: readonly object[];
    readonly more?: object;
  },
  ready: () => Promise<unknown>,
): Program {
  const proxy = { '@id': 'app-proxy', handler: 'reverse_proxy', upstreams, ...more };
  const server = {
    '@id': 'app-server',
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    routes: [{ '@id': 'app-route', handle: [proxy] }],
  };
  const config = {
    admin: { listen: admin, ...(origins ? { origins } : {}) },
    apps: { http: { servers: { app: server } } },
  };
  const file = join(folder, 'caddy.json');
  writeFileSync(file, JSON.stringify(config));
  rmSync(join(folder, 'caddy', 'autosave.json'), { force: true });
  return runProgram(program, ['run', '--config', file, '--resume'], folder, ready);
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from './find.ts';
import { missing } from './missing.ts';
import type { PartPlan, StackContext } from './types.ts';
import { expectHttp } from './wait.ts';

export interface CaddyPlan extends PartPlan {
  readonly url: string;
  readonly adminUrl: string;
}

/**
 * Caddy in front of the app. Its configuration carries ids, so that one request to the admin API switches the upstream:
 * `PATCH /id/app-upstreams/...`. `--resume` keeps such a switch over a restart of Caddy.
 */
export function planCaddy(context: StackContext): CaddyPlan {
  const { options, ports, provided } = context;
  const found = findProgram('caddy', {
    configured: options.caddy.program,
    variable: 'SANDBOX_CADDY',
    searchPath: options.handedDown['PATH'] ?? '',
    provided: provided.bin,
  });
  if (!found) throw missing('caddy', 'SANDBOX_CADDY');
  const cwd = join(context.dir, 'caddy');
  const config = writeConfig(context, cwd);
  const url = `http://127.0.0.1:${ports.caddy}`;
  const adminUrl = `http://127.0.0.1:${ports.caddyAdmin}`;
  return {
    name: 'caddy',
    address: url,
    url,
    adminUrl,
    source: `Caddy, ${found.from}`,
    command: {
      program: found.path,
      args: ['run', '--config', config, '--resume'],
      cwd,
      env: { ...options.handedDown, XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd },
      stopSignal: 'SIGTERM',
    },
    ready: () => expectHttp(`${adminUrl}/config/`),
  };
}

/** Written where Caddy resumes from as well: a new start of the sandbox may have other ports than the last one. */
function writeConfig({ ports }: StackContext, cwd: string): string {
  const proxy = {
    '@id': 'app-proxy',
    handler: 'reverse_proxy',
    upstreams: [{ '@id': 'app-upstream', dial: `127.0.0.1:${ports.app}` }],
    transport: { protocol: 'http', dial_timeout: '2s' },
  };
  const server = {
    '@id': 'app-server',
    listen: [`127.0.0.1:${ports.caddy}`],
    automatic_https: { disable: true },
    routes: [{ '@id': 'app-route', handle: [proxy] }],
  };
  const text = JSON.stringify(
    { admin: { listen: `127.0.0.1:${ports.caddyAdmin}` }, apps: { http: { servers: { app: server } } } },
    null,
    2,
  );
  mkdirSync(join(cwd, 'caddy'), { recursive: true });
  writeFileSync(join(cwd, 'caddy', 'autosave.json'), text);
  const file = join(cwd, 'caddy.json');
  writeFileSync(file, text);
  return file;
}

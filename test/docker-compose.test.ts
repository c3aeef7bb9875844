import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import about from '../package.json' with { type: 'json' };
import { loadClientConfig } from '../config/client.ts';
import { loadConfig } from '../config/load.ts';
import { CONFIG_FILE_VARIABLE, VARIABLES } from '../config/variables.ts';
import { readAppConfig } from '../sandbox/app/config.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

const ROOT = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const commandSchema = z.array(z.string());
const serviceSchema = z.looseObject({
  image: z.string(),
  user: z.string(),
  build: z.strictObject({ context: z.literal('.'), target: z.string() }).optional(),
  command: commandSchema.optional(),
  entrypoint: commandSchema.optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown()).transform(Object.keys)]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: commandSchema }).optional(),
  restart: z.string(),
  profiles: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  privileged: z.boolean().optional(),
});
type Service = z.infer<typeof serviceSchema>;

const compose = z
  .looseObject({
    services: z.record(z.string(), serviceSchema),
    volumes: z.record(z.string(), z.unknown()),
    networks: z.record(z.string(), z.unknown()),
  })
  .parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
/** Names of the services that a rule does not hold for. */
const offenders = (rule: (one: Service) => boolean): string[] =>
  services.flatMap(([name, one]) => (rule(one) ? [] : [name]));
/** Passwords, as a person's .env would have them. */
const SECRETS: Readonly<Record<string, string>> = {
  COMPOSE_POSTGRES_PASSWORD: 'of-postgres',
  COMPOSE_QDRANT_API_KEY: 'of-qdrant',
  COMPOSE_QDRANT_READ_ONLY_API_KEY: 'of-qdrant-readers',
  COMPOSE_MAINTENANCE_TOKEN: 'of-the-switch',
  COMPOSE_TEMPORAL_POSTGRES_PASSWORD: 'of-the-other-postgres',
};
const service = (name: string): Service => serviceSchema.parse(compose.services[name]);
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service(name).environment).map(([key, text]) => [
      key,
      text.replaceAll(/\$\{(\w+)[^}]*\}/g, (_all, variable: string) => SECRETS[variable] ?? `no ${variable}`),
    ]),
  );
/** A file of the repository that a service finds at `target`. */
const mounted = (name: string, target: string): string => {
  const [from = ''] = service(name).volumes.flatMap((volume) => {
    const [source = '', to] = volume.split(':');
    return to === target ? [source] : [];
  });
  return join(ROOT, from);
};

describe('docker-compose.yml', () => {
  test('has everything that the sandbox consists of, and the app twice', () => {
    expect(services.map(([name]) => name).sort()).toEqual(
      [
        ...['temporal-postgres', 'temporal-schema', 'temporal', 'temporal-namespace', 'temporal-ui'],
        ...['postgres', 'qdrant', 'embeddings', 'app', 'app-backup', 'caddy', 'worker', 'dr', 'seed'],
      ].sort(),
    );
  });

  test('every image is of one version', () => {
    const pinned = /^[\w./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/;
    expect(offenders(({ image }) => pinned.test(image))).toEqual([]);
  });

  test('nothing runs as root, writes outside its volumes, or can gain a right', () => {
    expect(offenders(({ user }) => /^[1-9]\d*:[1-9]\d*$/.test(user))).toEqual([]);
    expect(offenders((one) => one.read_only === true && one.privileged !== true)).toEqual([]);
    expect(offenders(({ cap_drop: dropped }) => dropped.includes('ALL'))).toEqual([]);
    expect(offenders(({ security_opt: options }) => options.includes('no-new-privileges:true'))).toEqual([]);
    // Caddy's program is marked as needing a right, so it cannot be started where it is not to be had.
    expect(offenders(({ cap_add: added }) => added.length === 0)).toEqual(['caddy']);
    expect(service('caddy').cap_add).toEqual(['NET_BIND_SERVICE']);
  });

  test('everything that stays up tells whether it is well, and waits for what it needs', () => {
    expect(offenders(({ restart, healthcheck }) => restart !== 'unless-stopped' || healthcheck !== undefined)).toEqual(
      [],
    );
    const canBeWaitedFor = ([name, { condition }]: [string, { condition: string }]): boolean =>
      condition === 'service_healthy'
        ? service(name).healthcheck !== undefined
        : condition === 'service_completed_successfully' && service(name).restart === 'on-failure:5';
    expect(offenders(({ depends_on: needed }) => Object.entries(needed).every(canBeWaitedFor))).toEqual([]);
  });

  test('nothing is published beyond loopback', () => {
    expect(offenders(({ ports }) => ports.every((port) => /^127\.0\.0\.1:\d+:\d+$/.test(port)))).toEqual([]);
  });

  test('what comes from this folder is there, and is mounted read-only', () => {
    const isFine = (volume: string): boolean => {
      const [source = '', , mode] = volume.split(':');
      return source.startsWith('.') ? existsSync(join(ROOT, source)) && mode === 'ro' : source in compose.volumes;
    };
    expect(offenders(({ volumes }) => volumes.every(isFine))).toEqual([]);
  });

  test('every script that is started is there, and in the image', () => {
    const scripts = services.flatMap(([, { entrypoint = [], command = [], image }]) =>
      [...entrypoint, ...command].flatMap((word) => (word.endsWith('.ts') ? [{ word, image }] : [])),
    );
    expect(scripts.length).toBeGreaterThan(4);
    for (const { word, image } of scripts) {
      expect(existsSync(join(ROOT, word))).toBe(true);
      expect(foldersOf(image.startsWith('rag-recovery-worker') ? 'worker' : 'sandbox')).toContain(word.split('/')[0]);
    }
    for (const name of ['temporal-schema', 'temporal-namespace'])
      expect(existsSync(mounted(name, service(name).entrypoint?.[1] ?? ''))).toBe(true);
  });

  test('no secret stands in it, only the names of variables that .env.example has', () => {
    const example = read('.env.example');
    const used = [...read('docker-compose.yml').matchAll(/\$\{(\w+)([^}]*)\}/g)];
    expect(new Set(used.map(([, name]) => name))).toEqual(new Set(Object.keys(SECRETS)));
    for (const [, name, rest] of used) {
      expect(example).toContain(`\n${name}=`);
      // Without a default: an empty password would be taken for none.
      expect(rest).toMatch(/^:\?/);
    }
  });

  test('Caddy’s admin API is out of reach for all but the worker, and Temporal for the stack', () => {
    const on = (network: string): string[] =>
      services.flatMap(([name, one]) => (one.networks.includes(network) ? [name] : []));
    expect(on('caddy-admin').sort()).toEqual(['caddy', 'worker']);
    expect(on('temporal').filter((name) => on('stack').includes(name))).toEqual(['worker']);
    expect(on('temporal-store').sort()).toEqual(['temporal', 'temporal-postgres', 'temporal-schema']);
  });
});

/** The folders that a target of the Dockerfile copies from here. */
function foldersOf(target: string): string[] {
  const [, stage = ''] = new RegExp(`FROM \\S+ AS ${target}\\n([^]*?)(?=\\nFROM |$)`).exec(read('Dockerfile')) ?? [];
  return [...stage.matchAll(/^COPY (\w+) \.\/\1$/gm)].flatMap(([, folder]) => (folder === undefined ? [] : [folder]));
}

describe('the settings of the containers', () => {
  test.each(['worker', 'dr', 'seed'])('%s has only variables that the product reads', (name) => {
    const known = new Set([
      ...VARIABLES.flatMap(({ names }) => names),
      ...[CONFIG_FILE_VARIABLE, 'TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'],
    ]);
    expect(Object.keys(service(name).environment).filter((variable) => !known.has(variable))).toEqual([]);
  });

  test('the worker and `dr` can read theirs', async () => {
    const target = environmentOf('worker')[CONFIG_FILE_VARIABLE] ?? '';
    const file = mounted('worker', target);
    expect(mounted('dr', target)).toBe(file);
    const config = await loadConfig({ env: { ...environmentOf('worker'), [CONFIG_FILE_VARIABLE]: file } });
    expect(config).toMatchObject({
      environment: 'docker',
      qdrant: { url: 'http://qdrant:6333' },
      app: { baseUrl: 'http://caddy:8080' },
    });
    const client = await loadClientConfig({ env: { ...environmentOf('dr'), [CONFIG_FILE_VARIABLE]: file } });
    expect(client).toMatchObject({ environment: 'docker', store: { directory: '/data/store' } });
    expect(service('worker').healthcheck?.test.join(' ')).toContain(`:${config.worker.health?.port}/livez`);
    expect(service('worker').volumes).toContain(`./sandbox/textbook:${config.content?.directory}:ro`);
  });

  test('the two apps have each their own port and mode file, and are asked there', async () => {
    const of = async (name: string) => readAppConfig(mounted(name, '/etc/app.json'), environmentOf(name));
    const [app, backup] = await Promise.all(['app', 'app-backup'].map(of));
    expect(app?.port).not.toBe(backup?.port);
    expect(app?.maintenance?.file).not.toBe(backup?.maintenance?.file);
    expect(app).toMatchObject({ ...backup, port: app?.port, maintenance: app?.maintenance });
    expect(app?.postgres.url.reveal()).toBe('postgresql://textbook:of-postgres@postgres:5432/textbook');
    expect(service('app').healthcheck?.test.join(' ')).toContain(`:${app?.port}/health`);
    expect(service('app-backup').healthcheck?.test.join(' ')).toContain(`:${backup?.port}/health`);
    expect(read('sandbox/docker/caddy.json')).toContain(`"dial": "app:${app?.port}"`);
  });

  test('a variable that the app’s file names and nobody sets is told by name', async () => {
    await expect(readAppConfig(mounted('app', '/etc/app.json'), {})).rejects.toThrow('QDRANT_API_KEY is not set');
  });

  test('Caddy has the ids that the sandbox uses, and its admin API listens on the admin network alone', () => {
    const ids = (text: string): string[] =>
      [...text.matchAll(/@id['"]: ['"]([\w-]+)/g)].map(([, id]) => id ?? '').sort();
    expect(ids(read('sandbox/docker/caddy.json'))).toEqual(ids(read('sandbox/stack/caddy.ts')));
    const { admin } = z
      .object({ admin: z.object({ listen: z.string() }) })
      .parse(JSON.parse(read('sandbox/docker/caddy.json')));
    // A name that stands for an address of that network, and of no other.
    expect(read('docker-compose.yml')).toContain(`caddy-admin: { aliases: [${admin.listen.split(':')[0]}] }`);
  });

  test('every search attribute that runs set is registered beforehand', () => {
    const kinds: Record<string, string> = { KEYWORD: 'Keyword', BOOL: 'Bool', INT: 'Int' };
    const script = read('sandbox/docker/temporal-namespace.sh');
    for (const { name, type } of SEARCH_ATTRIBUTES) expect(script).toMatch(new RegExp(`\\b${name}:${kinds[type]}\\b`));
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('uses the Node that package.json pins, on glibc', () => {
    expect(dockerfile).toContain(`\nARG NODE_IMAGE=node:${about.devDependencies.node}-bookworm-slim\n`);
  });

  test('ends as the worker, not as root, without what only tests need, under an init', () => {
    const last = dockerfile.split(/^FROM /m).at(-1) ?? '';
    expect(last).toMatch(/^base AS worker\n/);
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toContain('COPY --from=packages ');
    expect(dockerfile).toMatch(/^ENTRYPOINT \["\/usr\/bin\/tini", "--"\]$/m);
    expect(dockerfile).toMatch(/^FROM \$\{NODE_IMAGE\} AS packages\n[^]*?npm ci --omit=dev/m);
  });

  test('gets from .dockerignore everything that it copies, and neither .env nor history', () => {
    const ignored = read('.dockerignore').split('\n');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \.\S*$/gm)].flatMap(([, what = '']) =>
      what.split(' '),
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const one of copied) expect(ignored).toContain(`!${one}`);
    expect(ignored).toEqual(expect.arrayContaining(['*', '**/.env']));
  });

  test('the worker is given more time to end than it takes', () => {
    const [, force = ''] = /FORCE = '(\d+)s'/.exec(read('workers/main.ts')) ?? [];
    const [, grace = ''] = /^(\d+)s$/.exec(service('worker').stop_grace_period ?? '') ?? [];
    expect(Number(force)).toBeGreaterThan(0);
    expect(Number(grace)).toBeGreaterThan(Number(force) + 10);
  });
});

describe('with Docker Compose itself', () => {
  const PROGRAMS = [['docker', 'compose'], ['docker-compose']] as const;
  let found: readonly string[] | undefined;
  beforeAll(() => {
    found = PROGRAMS.find(([program, ...rest]) => spawnSync(program, [...rest, 'version']).status === 0);
  });

  test('the file is valid', () => {
    if (!found) return console.warn('skipped: there is neither `docker compose` nor `docker-compose` here');
    const [program = '', ...rest] = found;
    const { status, stderr } = spawnSync(program, [...rest, '--env-file', '.env.example', 'config', '--quiet'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { createTrafficRouter } from '../../activities/traffic/index.ts';
import { trafficConfigSchema } from '../../config/traffic.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const CADDY = { id: 'app-proxy' };
const HAPROXY = { backend: 'app', servers: { a: '10.0.0.1:8000', b: '10.0.0.2:8000' } };
const CLOUDFLARE = { token: TOKEN, dnsRecord: { zoneId: 'f00', recordId: 'ba4' } };
const FRONTEND = {
  token: TOKEN,
  repository: 'people/book',
  variable: 'API_URL',
  workflow: 'deploy.yml',
  page: 'https://people.github.io/book/',
};

describe('settings of the traffic', () => {
  test.each<[string, object, string]>([
    ['Caddy', { caddy: CADDY }, 'Caddy at http://127.0.0.1:2019, @id app-proxy'],
    ['a socket', { caddy: { ...CADDY, adminUrl: 'unix:/run/caddy.sock' } }, 'Caddy at unix:/run/caddy.sock'],
    ['HAProxy', { haproxy: HAPROXY }, 'HAProxy at /run/haproxy/admin.sock, backend app (until it is reloaded)'],
    ['a record', { cloudflare: CLOUDFLARE }, 'Cloudflare, DNS record ba4'],
    ['a pool', { cloudflare: { token: TOKEN, pool: { accountId: 'f00', poolId: 'b00' } } }, 'Cloudflare, pool b00'],
    ['a book', { frontendConfig: FRONTEND }, 'GitHub, people/book: variable API_URL, workflow deploy.yml'],
  ])('make a router of %s that says what it is, and no secret', (_what, settings, words) => {
    const config = trafficConfigSchema.parse(settings);
    expect(createTrafficRouter(config).what).toContain(words);
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain(TOKEN);
  });

  test.each<[string, object, string, string]>([
    ['nothing', {}, '', 'exactly one of'],
    ['two kinds', { caddy: CADDY, haproxy: HAPROXY }, '', 'exactly one of'],
    ['a kind that there is none of', { caddy: CADDY, nginx: {} }, '', 'nginx'],
    ['no @id', { caddy: {} }, 'caddy.id', 'expected string'],
    ['an @id with a slash', { caddy: { id: 'apps/http' } }, 'caddy.id', 'no slash'],
    ['an admin API without a scheme', { caddy: { ...CADDY, adminUrl: 'localhost:2019' } }, 'caddy.adminUrl', 'http://'],
    ['a password in it', { caddy: { ...CADDY, adminUrl: 'http://a:b@c' } }, 'caddy.adminUrl', 'password'],
    [
      'a header without a value',
      { caddy: { ...CADDY, header: { name: 'X' } } },
      'caddy.header.value',
      'expected string',
    ],
    ['one server', { haproxy: { ...HAPROXY, servers: { a: 'x' } } }, 'haproxy.servers', 'two servers or more'],
    [
      'two servers of one target',
      { haproxy: { ...HAPROXY, servers: { a: 'x', b: 'x' } } },
      'haproxy.servers',
      'same target',
    ],
    ['commands in a name', { haproxy: { ...HAPROXY, backend: 'app; shutdown' } }, 'haproxy.backend', 'name as HAProxy'],
    [
      'commands in a server',
      { haproxy: { ...HAPROXY, servers: { 'a;b': 'x', c: 'y' } } },
      'haproxy.servers.a;b',
      'Invalid',
    ],
    [
      'a socket of a relative path',
      { haproxy: { ...HAPROXY, socket: 'admin.sock' } },
      'haproxy.socket',
      'from the root',
    ],
    ['no patience', { haproxy: { ...HAPROXY, upSeconds: 0 } }, 'haproxy.upSeconds', 'Too small'],
    ['neither record nor pool', { cloudflare: { token: TOKEN } }, 'cloudflare.dnsRecord', 'exactly one of the two'],
    [
      'a record and a pool',
      { cloudflare: { ...CLOUDFLARE, pool: { accountId: 'a', poolId: 'b' } } },
      'cloudflare.dnsRecord',
      'exactly one of the two',
    ],
    ['no token', { cloudflare: { dnsRecord: CLOUDFLARE.dnsRecord } }, 'cloudflare.token', 'expected string'],
    [
      'a path in an id',
      { cloudflare: { token: TOKEN, dnsRecord: { zoneId: 'a/b', recordId: 'c' } } },
      'cloudflare.dnsRecord.zoneId',
      'an id',
    ],
    [
      'a repository by its URL',
      { frontendConfig: { ...FRONTEND, repository: 'https://github.com/a/b' } },
      'frontendConfig.repository',
      'owner/name',
    ],
    [
      'a variable with a dash',
      { frontendConfig: { ...FRONTEND, variable: 'API-URL' } },
      'frontendConfig.variable',
      'name of a variable',
    ],
    [
      'a workflow by its path',
      { frontendConfig: { ...FRONTEND, workflow: '.github/workflows/a.yml' } },
      'frontendConfig.workflow',
      'file name',
    ],
    [
      'a page without a scheme',
      { frontendConfig: { ...FRONTEND, page: 'people.github.io' } },
      'frontendConfig.page',
      'http://',
    ],
    ['a misspelt field', { frontendConfig: { ...FRONTEND, branch: 'main' } }, 'frontendConfig', 'branch'],
  ])('with %s are refused by the name of the field', (_what, settings, field, words) => {
    const { error } = trafficConfigSchema.safeParse(settings);
    const issues = (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message]);
    expect(issues).toEqual([[field, expect.stringContaining(words)]]);
    expect(JSON.stringify(issues)).not.toContain(TOKEN);
  });
});

import { describe, expect, test } from '@jest/globals';
import { appServersConfigSchema } from '../../config/app-servers.ts';
import { appServerInputSchema, describeIssues } from '../../domain/run-input.ts';

const command = {
  run: [{ run: ['deploy', '{ref}'] }],
  find: { run: ['find'] },
  stop: [{ run: ['stop'] }],
  stateFile: '/s',
};
const at = (port: number, more: object = {}): object => ({
  url: `http://127.0.0.1:${port}`,
  target: `127.0.0.1:${port}`,
  deploy: { command: { ...command, stateFile: `/s/${port}` } },
  ...more,
});
const SOUND = { servers: { primary: at(1), backup: at(2) }, traffic: { caddy: { id: 'app' } } };

describe('the settings of the app’s servers', () => {
  test('need two servers and a router, and say the rest by themselves', () => {
    expect(appServersConfigSchema.parse(SOUND)).toMatchObject({
      releases: { tags: '*', images: [] },
      checks: { endpoints: [], protected: [] },
      watch: { rounds: 3, errorRate: 0.05, patience: 3 },
    });
  });
});

/** What somebody may well get wrong, in the settings or in the input, and the words that name it. */
const WRONG: readonly (readonly [string, 'settings' | 'input', object, RegExp])[] = [
  ['one server', 'settings', { servers: { primary: at(1) } }, /servers: must name two servers or more/],
  [
    'two of the same target',
    'settings',
    { servers: { a: at(1), b: at(2, { target: '127.0.0.1:1' }) } },
    /servers: two have the same target/,
  ],
  [
    'two of the same address',
    'settings',
    { servers: { a: at(1), b: at(2, { url: 'http://127.0.0.1:1' }) } },
    /servers: two have the same url/,
  ],
  [
    'two deployed to the same place',
    'settings',
    { servers: { a: at(1, { deploy: { command } }), b: at(2, { deploy: { command } }) } },
    /servers: two are deployed to the same place/,
  ],
  ['a name with a space', 'settings', { servers: { 'a b': at(1), b: at(2) } }, /servers: names must be lower-case/],
  ['no address', 'settings', { servers: { a: at(1, { url: undefined }), b: at(2) } }, /servers\.a\.url/],
  [
    'an address with a password',
    'settings',
    { servers: { a: at(1, { url: 'http://u:p@h' }), b: at(2) } },
    /servers\.a\.url/,
  ],
  ['an empty target', 'settings', { servers: { a: at(1, { target: '' }), b: at(2) } }, /servers\.a\.target/],
  [
    'nothing that deploys',
    'settings',
    { servers: { a: at(1, { deploy: {} }), b: at(2) } },
    /servers\.a\.deploy: exactly one of/,
  ],
  [
    'two that deploy',
    'settings',
    { servers: { a: at(1, { deploy: { command, docker: { socket: '/d', container: 'c' } } }), b: at(2) } },
    /servers\.a\.deploy: exactly one of/,
  ],
  [
    'a command that is none',
    'settings',
    { servers: { a: at(1, { deploy: { command: { ...command, run: [] } } }), b: at(2) } },
    /deploy\.command\.run/,
  ],
  [
    'a relative state file',
    'settings',
    { servers: { a: at(1, { deploy: { command: { ...command, stateFile: 's' } } }), b: at(2) } },
    /stateFile: must be a path from the root/,
  ],
  [
    'a find that asks for a release',
    'settings',
    { servers: { a: at(1, { deploy: { command: { ...command, find: { run: ['x', '{ref}'] } } } }), b: at(2) } },
    /knows no release/,
  ],
  ['no router', 'settings', { traffic: {} }, /traffic: exactly one of/],
  [
    'two routers',
    'settings',
    { traffic: { caddy: { id: 'a' }, haproxy: { backend: 'b', servers: { x: '1', y: '2' } } } },
    /traffic: exactly one of/,
  ],
  ['an id with a slash', 'settings', { traffic: { caddy: { id: 'a/b' } } }, /traffic\.caddy\.id/],
  [
    'an image without a digest',
    'settings',
    { releases: { images: ['app:latest'] } },
    /releases\.images\.0: must be image@sha256/,
  ],
  ['a path without a slash', 'settings', { checks: { endpoints: [{ path: 'health' }] } }, /checks\.endpoints\.0\.path/],
  [
    'a status that is none',
    'settings',
    { checks: { endpoints: [{ path: '/', status: 99 }] } },
    /checks\.endpoints\.0\.status/,
  ],
  ['an origin that is none', 'settings', { checks: { origin: 'book.example' } }, /checks\.origin/],
  [
    'a session that is never read',
    'settings',
    { checks: { session: { create: { method: 'POST', path: '/s' } } } },
    /checks\.session\.read/,
  ],
  ['a command for logs that is none', 'settings', { checks: { logs: { run: [] } } }, /checks\.logs\.run/],
  ['one round', 'settings', { watch: { rounds: 1 } }, /watch\.rounds/],
  ['more errors than requests', 'settings', { watch: { errorRate: 2 } }, /watch\.errorRate/],
  ['a variable with a value', 'settings', { variables: ['A=b'] }, /variables\.0: must be a name of a variable/],
  ['a setting that nobody knows', 'settings', { trafic: {} }, /trafic: Unrecognized key/],
  ['a server of no name', 'input', { to: '' }, /to/],
  ['a release that is an option', 'input', { release: '--exec=x' }, /release: must be a tag/],
  ['a release with a space', 'input', { release: 'v1 v2' }, /release: must be a tag/],
  ['a word for yes', 'input', { move: 'yes' }, /move/],
  ['a window in the past', 'input', { commitWindowMinutes: -5 }, /commitWindowMinutes/],
  ['a time without a zone', 'input', { faultDeclaredAt: '2026-01-01 08:00' }, /faultDeclaredAt/],
  ['a field that nobody knows', 'input', { server: 'backup' }, /server: Unrecognized key/],
];

describe('wrong settings and inputs', () => {
  test.each(WRONG)('%s', (_what, where, given, words) => {
    const parsed =
      where === 'settings'
        ? appServersConfigSchema.safeParse({ ...SOUND, ...given })
        : appServerInputSchema.safeParse(given);
    expect(parsed.success ? 'nothing was wrong' : describeIssues(parsed.error)).toMatch(words);
  });
});

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dr } from './terminal.ts';

const env = { DR_ENVIRONMENT: 'test' };
/** Nothing listens here. */
const nowhere = { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' };

describe('wrong use exits with 2 and says what is right', () => {
  test.each([
    { args: [], says: 'a command is missing' },
    { args: ['recover'], says: "unknown command 'recover'" },
    { args: ['start'], says: 'it is not said which runbook to start\nNext: See `dr start --help`' },
    { args: ['start', 'all'], says: "unknown command 'all'\nNext: See `dr start --help`" },
    { args: ['start', 'backup', '--set', 'x'], says: "unknown option '--set'" },
    { args: ['start', 'partial-loss', '--depth', 'all'], says: 'Allowed choices are content, ids' },
    { args: ['start', 'partial-loss', '--input', '[1]'], says: 'one JSON object' },
    { args: ['start', 'partial-loss', '--input', '{"setID":"x"}'], says: '--input: setID: Unrecognized key' },
    {
      args: ['start', 'partial-loss', '--fault-declared-at', 'yesterday'],
      says: "'--fault-declared-at <time>' argument 'yesterday' is invalid. It must be a time with its zone",
    },
    { args: ['start', 'partial-loss', '--commit-window', '10081'], says: "'--commit-window <minutes>'" },
    { args: ['start', 'backup', '--reason', 'x'.repeat(501)], says: "'--reason <text>'" },
    { args: ['start', 'partial-loss', '--commit-window', 'soon'], says: 'a number of minutes' },
    { args: ['runs', '--limit', '0'], says: 'a number from 1 to' },
    { args: ['sets', 'gone'], says: 'there is no command sets gone' },
    { args: ['sets', 'show'], says: "missing required argument 'id'\nNext: See `dr sets show --help`" },
    { args: ['sets', 'verify', '--quick', '--full'], says: "option '--full' cannot be used with option '--quick'" },
    { args: ['sets', 'export', 'x'], says: "required option '--to <folder>'" },
    { args: ['restore-object', 'x'], says: "required option '--out <file>'" },
    { args: ['schedules'], says: 'a command is missing\nNext: See `dr schedules --help`' },
    { args: ['skip'], says: "required option '--reason <text>'" },
    { args: ['note'], says: "required option '--note <text>'" },
    { args: ['approve'], says: 'no plan is named' },
    { args: ['skipStep'], says: "required option '--reason <text>'" },
    { args: ['report', '--format', 'json'], says: "unknown option '--format'" },
    { args: ['status', '--environment', 'Prod'], says: '--environment must be lower-case' },
    { args: ['status', '--config', 'absent.json'], says: 'absent.json' },
    { args: ['break', 'qdrant', 'gone'], says: 'no sandbox is running' },
    { args: ['break', 'qdrant', 'gone', '--environment', 'test'], says: "unknown option '--environment'" },
  ])('dr $args: $says', async ({ args, says }) => {
    const { code, out, err } = await dr(args, { env: nowhere });
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(says);
    expect(err).toMatch(/\nNext: .+\n$/);
  });

  test('nobody said which environment is meant', async () => {
    const { code, err } = await dr(['status'], { env: {} });
    expect(code).toBe(2);
    expect(err).toContain('Set DR_ENVIRONMENT, or give --environment');
  });

  test('with --json the same is one object on stdout, and nothing on stderr', async () => {
    const { code, out, err } = await dr(['approve', '--json'], { env });
    expect(code).toBe(2);
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({
      error: { code: 'WRONG_USE', message: expect.any(String), next: expect.stringContaining('--plan') },
    });
  });
});

describe('help', () => {
  const commands = ['start partial-loss', 'start backup', 'status', 'approve', 'reject', 'retry', 'skip', 'commit'];
  const others = ['rollback', 'note', 'abort', 'report', 'runs', 'sets', 'mark-environment', 'break'];

  const reading = ['sets list', 'sets show', 'sets diff', 'sets export', 'restore-object', 'backup'];
  const changing = [
    'sets verify',
    'sets prune',
    ...['apply', 'diff', 'list', 'pause', 'resume'].map((name) => `schedules ${name}`),
  ];

  test.each([...commands, ...others, ...reading, ...changing])('of dr %s has an example', async (name) => {
    const { code, out, err } = await dr([...name.split(' '), '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`\nExample:\n  $ dr ${name}`);
    expect(out).toContain('--json');
  });

  test.each([
    ['retry', 'retryStep'],
    ['skip', 'skipStep'],
    ['rollback', 'rollBack'],
    ['note', 'addNote'],
  ])('of dr %s shows that the word of the Web UI, %s, works as well', async (name, update) => {
    const [own, same] = [await dr([name, '--help']), await dr([update, '--help'])];
    expect(own.out).toContain(`dr ${name}|${update} [options]`);
    expect(same).toEqual(own);
  });

  test('is beside a version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await dr(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  test('of dr tells what every exit code means', async () => {
    const { out } = await dr(['--help']);
    for (const code of [0, 1, 2, 3, 4, 5]) expect(out).toMatch(new RegExp(`^  ${code}  \\w`, 'm'));
  });
});

describe('what cannot be reached', () => {
  test.each([['status'], ['start', 'backup']])(
    'dr %s %s without Temporal exits with 4 and names the address',
    async (...args) => {
      const { code, err } = await dr(args.filter(Boolean), { env: nowhere });
      expect(code).toBe(4);
      expect(err).toContain('Temporal at 127.0.0.1:1 cannot be reached');
    },
  );
});

describe('dr break', () => {
  const asked: string[] = [];
  let sandbox: Server;
  let control: NodeJS.ProcessEnv;

  beforeAll(async () => {
    sandbox = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const known = request.url === '/faults' || request.url === '/break/qdrant/lose-section';
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
      const faults = [{ system: 'qdrant', fault: 'lose-section', description: 'points of one section are gone' }];
      response.end(
        JSON.stringify(
          known ? (request.url === '/faults' ? { faults } : { broken: 'lost 12 points' }) : { error: 'no such fault' },
        ),
      );
    }).listen(0, '127.0.0.1');
    await once(sandbox, 'listening');
    const { port } = sandbox.address() as AddressInfo;
    control = { ...env, SANDBOX_CONTROL_URL: `http://127.0.0.1:${port}`, SANDBOX_CONTROL_TOKEN: 't0ken' };
  });

  afterAll(() => {
    sandbox.close();
  });

  test('asks the sandbox with its token, and says what it answered', async () => {
    const { code, out } = await dr(['break', 'qdrant', 'lose-section', '--json'], { env: control });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      broken: [{ system: 'qdrant', fault: 'lose-section', answer: { broken: 'lost 12 points' } }],
    });
    expect(asked).toContain('POST /break/qdrant/lose-section Bearer t0ken');
  });

  test('that fails half-way tells with --json what it has broken', async () => {
    const { code, out } = await dr(['break', 'qdrant', 'lose-section', 'explode', '--json'], { env: control });
    expect(code).toBe(5);
    expect(JSON.parse(out)).toEqual({
      error: {
        code: 'NOT_FOUND',
        message: 'no such fault',
        next: expect.any(String),
        broken: [{ system: 'qdrant', fault: 'lose-section', answer: { broken: 'lost 12 points' } }],
      },
    });
  });

  test.each([[['--end']], [['qdrant', '--end']]])('%j does not say what to end, and exits with 2', async (args) => {
    const { code, err } = await dr(['break', ...args], { env: control });
    expect(code).toBe(2);
    expect(err).toContain('it is not said wh');
  });

  test('ends a fault that lasts', async () => {
    const { code, out } = await dr(['break', 'qdrant', 'lose-section', '--end', '--json'], { env: control });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ended: ['lose-section'] });
    expect(asked).toContain('DELETE /break/qdrant/lose-section Bearer t0ken');
  });

  test('lists the faults', async () => {
    const { out } = await dr(['break', '--list'], { env: control });
    expect(out).toMatch(/qdrant\s+lose-section\s+points of one section are gone/);
  });

  test('a fault that does not exist exits with 5', async () => {
    const { code, err } = await dr(['break', 'qdrant', 'explode'], { env: control });
    expect(code).toBe(5);
    expect(err).toContain('no such fault');
  });

  test('a sandbox that is gone exits with 4', async () => {
    const gone = { ...env, SANDBOX_CONTROL_URL: 'http://127.0.0.1:1' };
    expect((await dr(['break', '--list'], { env: gone })).code).toBe(4);
  });
});

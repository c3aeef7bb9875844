import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createDeployer } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer, Release } from '../../../domain/deployment.ts';
import { type Dockerd, missingForDocker, startDockerd } from '../../support/dockerd.ts';
import { quietPort } from '../../support/ports.ts';
import { type Relay, startRelay } from '../../support/relay.ts';
import { deployContract, type DeployUnderTest, PASSWORD, SECRET, VARIABLES, work } from './contract.ts';

const SCRIPTS = {
  good: 'printf "%s\\n%s" good "$GREETING" >/www/index.html; exec /bin/busybox httpd -f -p 8000 -h /www',
  next: 'printf "%s\\n%s" next "$GREETING" >/www/index.html; exec /bin/busybox httpd -f -p 8000 -h /www',
  bad: 'echo "connecting to $DATABASE_URL"; echo "cannot open the database with $SECRET_TOKEN" >&2; exit 3',
  hung: 'echo "waiting"; exec /bin/busybox sleep 3600',
};
type Releases = DeployUnderTest['releases'];

const missing = missingForDocker();
if (missing !== undefined) test.skip(`containers are not tested: ${missing}`, () => undefined);
else onEngine();

function onEngine(): void {
  let engine: Dockerd;
  let releases: Releases;
  let tlsPort = 0;
  beforeAll(async () => {
    tlsPort = await quietPort();
    engine = await startDockerd((folder) => [
      ...['-H', `tcp://127.0.0.1:${tlsPort}`, '--tlsverify', '--tlscacert', join(folder, 'ca.pem')],
      ...['--tlscert', join(folder, 'server.pem'), '--tlskey', join(folder, 'server.key')],
    ]);
    const made: [string, Release][] = [];
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const ref = await engine.image(name, `${script}\n`);
      made.push([name, { ref, pinned: ref.replace(/^.*@/, '') }]);
    }
    releases = Object.fromEntries(made) as unknown as Releases;
  }, 120_000);
  afterAll(() => engine?.stop(), 60_000);

  async function under(more: object = {}): Promise<DeployUnderTest & { container: string; relay: Relay }> {
    const container = `app-${randomUUID().slice(0, 8)}`;
    const [port, socket] = [await quietPort(), join(engine.folder, `${container}.sock`)];
    const relay = await startRelay({ path: engine.socket }, socket);
    const docker = {
      ...{ socket, container, network: engine.network, stopSeconds: 0, healthySeconds: 2, pollSeconds: 0.05 },
      ports: [{ container: 8000, host: port, address: '127.0.0.1' }],
      volumes: [`${container}:/kept`],
      healthcheck: {
        run: ['/bin/busybox', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8000/'],
        ...{ intervalSeconds: 0.1, retries: 100 },
      },
      ...more,
    };
    return {
      ...{ container, relay, releases },
      settings: { docker },
      parts: { environment: 'test', variables: {} },
      serves: async () => {
        const reply = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
        const [name, ...greeting] = (await reply?.text())?.split('\n') ?? [];
        const release = Object.entries(releases).find(([one]) => one === name)?.[1].pinned;
        return release === undefined ? undefined : { release, greeting: greeting.join('\n') };
      },
      count: async ({ pinned }) => {
        const filters = [`name=${container}`, 'status=running', `label=recovery-runbooks.release=${pinned}`];
        const ids = await engine.docker('ps', '--all', '--quiet', ...filters.flatMap((one) => ['--filter', one]));
        return ids.split('\n').filter((id) => id !== '').length;
      },
      loseAnswer: () => relay.trouble({ carries: 'POST /containers/create', how: 'lose' }),
      close: async () => {
        await relay.stop();
        const ids = await engine.docker('ps', '--all', '--quiet', '--filter', `name=${container}`);
        if (ids !== '') await engine.docker('rm', '--force', ...ids.split('\n'));
      },
    };
  }

  deployContract('docker', () => under(), [1, 2, 3, 4, 5]);

  describe('docker', () => {
    type Under = Awaited<ReturnType<typeof under>>;
    async function using(more: object, tried: (deployer: Deployer, under: Under) => Promise<void>): Promise<void> {
      const one = await under(more);
      try {
        await tried(createDeployer(deployConfigSchema.parse(one.settings), one.parts), one);
      } finally {
        await one.close();
      }
    }
    const input = (release: Release, key = 'run-1') => ({ release, variables: VARIABLES, key });
    const names = async ({ container }: Under): Promise<string[]> => {
      const lines = await engine.docker(
        'ps',
        '--all',
        '--format',
        '{{.Names}} {{.State}}',
        '--filter',
        `name=${container}`,
      );
      return lines.split('\n').map((line) => line.replace(container, 'app').replace(/-before-\w+/, '-before'));
    };

    test.each(['/start', '/rename', '/stop', '/json'])('a lost answer to %s makes no second', (carries) =>
      using({}, async (deployer, one) => {
        await deployer.deploy(input(releases.next, 'run-0'), work());
        one.relay.trouble({ carries, how: 'lose' });
        await deployer.deploy(input(releases.good), work()).catch(async (error: unknown) => {
          expect(error).toMatchObject({ code: 'DEPLOY_UNREACHABLE' });
          await deployer.deploy(input(releases.good), work());
        });
        expect(await names(one)).toEqual(['app running', 'app-before exited']);
      }),
    );

    test('keeps the one before and forgets older ones, puts no secret into an address, and labels what it makes', () =>
      using({}, async (deployer, one) => {
        for (const [at, name] of (['good', 'next', 'good'] as const).entries())
          await deployer.deploy(input(releases[name], `run-${at}`), work());
        expect(await names(one)).toEqual(['app running', 'app-before exited']);
        expect(one.relay.count(`POST /containers/create?name=${one.container} HTTP`)).toBe(3);
        const labels = await engine.docker('inspect', '--format', '{{json .Config.Labels}}', one.container);
        expect(JSON.parse(labels)).toMatchObject({
          'recovery-runbooks.environment': 'test',
          'recovery-runbooks.release': releases.good.pinned,
          'recovery-runbooks.key': 'run-2',
        });
      }));

    test('takes the place of a container that somebody has made by hand, and never removes that', () =>
      using({}, async (deployer, one) => {
        const { ref } = releases.next;
        await engine.docker('pull', '--quiet', ref);
        await engine.docker('run', '--detach', '--restart', 'always', '--name', one.container, ref);
        expect(await deployer.find()).toMatchObject({ state: 'running', release: releases.next.pinned });
        for (const key of ['run-1', 'run-2', 'run-3']) await deployer.deploy(input(releases.good, key), work());
        expect(await names(one)).toEqual(['app running', 'app-before exited', 'app-before exited']);
      }));

    test('what belongs to another environment is left', () =>
      using({}, async (deployer, one) => {
        const other = createDeployer(deployConfigSchema.parse(one.settings), { environment: 'staging', variables: {} });
        await other.deploy(input(releases.next), work());
        await expect(deployer.deploy(input(releases.good), work())).rejects.toMatchObject({
          code: 'DEPLOY_REFUSED',
          message: expect.stringContaining('belongs to the environment staging'),
        });
        expect(await names(one)).toEqual(['app running']);
      }));

    test('one without a health check is well when it goes on running', () =>
      using({ healthcheck: undefined, settleSeconds: 0.3 }, async (deployer) => {
        await deployer.deploy(input(releases.hung), work());
        expect((await deployer.find()).state).toBe('running');
        await expect(deployer.deploy(input(releases.bad, 'run-2'), work())).rejects.toMatchObject({
          message: expect.stringMatching(
            /ended with exit code 3, \d times: .*cannot open the database with \[redacted\]/,
          ),
        });
        expect((await deployer.find()).state).toBe('stopped');
      }));

    test('an unhealthy one is stopped, and says what its check said', () =>
      using(
        {
          healthcheck: {
            run: ['/bin/busybox', 'sh', '-c', `echo "no database, ${SECRET}"; exit 1`],
            intervalSeconds: 0.1,
            retries: 2,
          },
        },
        async (deployer) => {
          const failure: unknown = await deployer.deploy(input(releases.good), work()).catch((error: unknown) => error);
          expect(failure).toMatchObject({
            code: 'DEPLOY_FAILED',
            message: expect.stringContaining('is unhealthy: no database, [redacted]'),
          });
          expect(String(failure)).not.toMatch(`${SECRET}|${PASSWORD}`);
          expect((await deployer.find()).state).toBe('stopped');
        },
      ));

    test.each<[string, object, () => Release, string, RegExp]>([
      ['a branch', {}, () => ({ ref: 'main', pinned: 'abc1234' }), 'DEPLOY_REFUSED', /no image with its digest/],
      [
        'another digest than its own',
        {},
        () => ({ ref: releases.good.ref, pinned: releases.bad.pinned }),
        'DEPLOY_REFUSED',
        /no image with its digest/,
      ],
      [
        'an image that is not there',
        {},
        () => ({
          ref: releases.good.ref.replace(/good@.*/, `good@sha256:${'0'.repeat(64)}`),
          pinned: `sha256:${'0'.repeat(64)}`,
        }),
        'DEPLOY_REFUSED',
        /manifest/,
      ],
      [
        'an id that the engine has not',
        {},
        () => ({ ref: `sha256:${'0'.repeat(64)}`, pinned: `sha256:${'0'.repeat(64)}` }),
        'DEPLOY_REFUSED',
        /cannot be pulled/,
      ],
      [
        'a registry that is away',
        {},
        () => ({ ref: `127.0.0.1:9/app@sha256:${'0'.repeat(64)}`, pinned: `sha256:${'0'.repeat(64)}` }),
        'DEPLOY_UNREACHABLE',
        /refused/,
      ],
      [
        'a network that is not there',
        { network: 'nowhere' },
        () => releases.good,
        'DEPLOY_FAILED',
        /network nowhere not found/,
      ],
      ['an engine that is away', { socket: '/no/docker.sock' }, () => releases.good, 'DEPLOY_UNREACHABLE', /ENOENT/],
    ])('says so of %s', (_what, more, release, code, words) =>
      using(more, async (deployer) => {
        await expect(deployer.deploy(input(release()), work())).rejects.toMatchObject({
          code,
          message: expect.stringMatching(words),
        });
      }),
    );

    test('says so of a port that is taken', () =>
      using({}, async (deployer, one) => {
        const { ports } = (one.settings as { docker: { ports: object[] } }).docker;
        await deployer.deploy(input(releases.good), work());
        await using({ ports }, async (second) => {
          await expect(second.deploy(input(releases.next), work())).rejects.toMatchObject({
            code: 'DEPLOY_FAILED',
            message: expect.stringMatching(/already (?:allocated|in use)/),
          });
        });
      }));

    test('over TCP with TLS on both sides; without the right certificates nothing is said', async () => {
      const at = (name: string): string => join(engine.folder, name);
      const tcp = {
        host: '127.0.0.1',
        port: tlsPort,
        caFile: at('ca.pem'),
        certFile: at('client.pem'),
        keyFile: at('client.key'),
      };
      const findAt = (more: object): Promise<unknown> => {
        const settings = { docker: { container: 'nothing', tcp: { ...tcp, ...more } } };
        return createDeployer(deployConfigSchema.parse(settings), { environment: 'test', variables: {} })
          .find()
          .catch((error: unknown) => error);
      };
      expect(await findAt({})).toEqual({ state: 'absent', release: null, id: null });
      const stranger = { certFile: at('stranger.pem'), keyFile: at('stranger.key') };
      for (const more of [stranger, { caFile: at('stranger.pem') }, { caFile: at('none') }])
        expect(await findAt(more)).toMatchObject({ code: 'DEPLOY_REFUSED' });
    });

    test('an image by its id is taken as it is', () =>
      using({}, async (deployer, one) => {
        await engine.docker('pull', '--quiet', releases.good.ref);
        const id = await engine.docker('image', 'inspect', '--format', '{{.Id}}', releases.good.ref);
        await deployer.deploy(input({ ref: id, pinned: id }), work());
        expect(await one.serves()).toMatchObject({ greeting: VARIABLES.GREETING });
        expect(await deployer.find()).toMatchObject({ state: 'running', release: id });
      }));
  });
}

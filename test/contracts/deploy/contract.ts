import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { EVERY_STEP } from '../../support/every-step.ts';
import { createDeployer, type DeployParts } from '../../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../../config/deploy.ts';
import type { Deployer, DeployWork, Release } from '../../../domain/deployment.ts';

export const SECRET = 'a-token-that-nobody-may-see';
export const PASSWORD = 'pa55word-of-the-database';
/** What shells, addresses and files would each read in their own way. */
const GREETING = `it's "here": $HOME \`id\` \\n %s {ref} é; exit 1 # \\\n-e a second line=`;
export const VARIABLES = {
  GREETING,
  SECRET_TOKEN: SECRET,
  DATABASE_URL: `postgresql://app:${PASSWORD}@db.example/app`,
};

export interface DeployUnderTest {
  /** As in the configuration. */
  readonly settings: object;
  readonly parts: DeployParts;
  readonly releases: {
    readonly good: Release;
    readonly next: Release;
    /** Says \`cannot open the database\` and every secret it was given, and ends. */
    readonly bad: Release;
    /** Is begun, and never runs. Settings give it a short time. */
    readonly hung: Release;
  };
  /** What the app itself says; undefined when nobody serves. */
  serves(): Promise<{ release: string; greeting: string } | undefined>;
  /** How many apps of a release there are now, running or being brought up. */
  count(release: Release): Promise<number>;
  /** The answer to the next change is lost, though it is carried out. */
  loseAnswer(): void;
  close(): Promise<void>;
}

export interface HeardWork extends DeployWork {
  readonly said: string[];
  readonly phases: string[];
  cancel(): void;
}

export function work(): HeardWork {
  const [said, phases]: [string[], string[]] = [[], []];
  const controller = new AbortController();
  return {
    signal: controller.signal,
    report: ({ phase }) => void phases.push(phase),
    output: (text) => void said.push(text),
    ...{ said, phases },
    cancel: () => controller.abort(new Error('cancelled')),
  };
}

/** What every deployer must do, whichever way it deploys. */
export function deployContract(
  name: string,
  start: () => Promise<DeployUnderTest>,
  kills = EVERY_STEP ? [1, 2, 3, 4] : [2],
): void {
  describe(`${name} as a deployer`, () => {
    let under: DeployUnderTest;
    let deployer: Deployer;
    beforeEach(async () => {
      under = await start();
      deployer = createDeployer(deployConfigSchema.parse(under.settings), under.parts);
    });
    afterEach(() => under?.close());
    const deploy = (release: Release, key = 'run-1', how: DeployWork = work()): ReturnType<Deployer['deploy']> =>
      deployer.deploy({ release, variables: VARIABLES, key }, how);
    const served = (release: Release) => ({ release: release.pinned, greeting: GREETING });

    test('finds nothing where nothing is, and stopping that is fine', async () => {
      const found = await deployer.find();
      expect(found).toMatchObject({ release: null });
      expect(found.state).not.toBe('running');
      await deployer.stop(work());
      expect(await under.serves()).toBeUndefined();
    });

    test('brings a release up with its variables, says so, and tells no secret', async () => {
      const { good } = under.releases;
      const how = work();
      const { id, adopted } = await deploy(good, 'run-1', how);
      expect(adopted).toBe(false);
      expect(await under.serves()).toEqual(served(good));
      expect(await deployer.find()).toEqual({ state: 'running', release: good.pinned, id });
      expect(how.phases.length).toBeGreaterThan(0);
      expect([deployer.what, ...how.phases, how.said.join('')].join('\n')).not.toMatch(`${SECRET}|${PASSWORD}`);
    });

    test('what was deployed under a key is adopted, and not deployed again', async () => {
      const { good } = under.releases;
      const first = await deploy(good);
      expect(await deploy(good)).toEqual({ id: first.id, adopted: true });
      expect(await deployer.find()).toMatchObject({ id: first.id });
      expect(await under.count(good)).toBe(1);
    });

    test('another release, or the same under another key, takes the place of what ran', async () => {
      const { good, next } = under.releases;
      const first = await deploy(good);
      const second = await deploy(next, 'run-2');
      expect(second.adopted).toBe(false);
      expect(await under.serves()).toEqual(served(next));
      expect(await under.count(good)).toBe(0);
      const third = await deploy(good, 'run-3');
      expect(third.id === first.id && third.adopted).toBe(false);
      expect(await under.serves()).toEqual(served(good));
      expect([await under.count(good), await under.count(next)]).toEqual([1, 0]);
    });

    test('a lost answer makes no second', async () => {
      const { good } = under.releases;
      under.loseAnswer();
      await deploy(good).catch(async (error: unknown) => {
        expect(error).toMatchObject({ code: 'DEPLOY_UNREACHABLE' });
        return deploy(good);
      });
      expect(await under.serves()).toEqual(served(good));
      expect(await under.count(good)).toBe(1);
      expect(await deploy(good)).toMatchObject({ adopted: true });
    });

    for (const at of kills)
      test(`killed in its phase ${at}, it is brought to its end, and there is no second`, async () => {
        const { good, next } = under.releases;
        await deploy(next, 'run-0');
        await killedAt(at, under, { release: good, variables: VARIABLES, key: 'run-1' });
        await deploy(good);
        expect(await under.serves()).toEqual(served(good));
        expect([await under.count(good), await under.count(next)]).toEqual([1, 0]);
      });

    test('a release that fails says its last words, without secrets, and can be tried again', async () => {
      const { good, bad } = under.releases;
      const how = work();
      const failure = await deploy(bad, 'run-1', how).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'DEPLOY_FAILED',
        message: expect.stringContaining('cannot open the database'),
      });
      expect(String(failure) + how.said.join('')).not.toMatch(`${SECRET}|${PASSWORD}`);
      await expect(deploy(bad)).rejects.toMatchObject({ code: 'DEPLOY_FAILED' });
      expect(await deploy(good, 'run-2')).toMatchObject({ adopted: false });
      expect(await under.serves()).toEqual(served(good));
    });

    test('stopped, it serves nobody; once more is fine; and it can be deployed again under its key', async () => {
      const { good } = under.releases;
      await deploy(good);
      await deployer.stop(work());
      expect(await under.serves()).toBeUndefined();
      expect((await deployer.find()).state).toMatch(/stopped|absent/);
      await deployer.stop(work());
      await deploy(good);
      expect(await under.serves()).toEqual(served(good));
      expect(await under.count(good)).toBe(1);
    });

    test('one that hangs is given up at its limit', async () => {
      const { hung } = under.releases;
      await expect(deploy(hung)).rejects.toMatchObject({ code: 'DEPLOY_FAILED' });
      expect(await deployer.find()).not.toMatchObject({ state: 'running', release: hung.pinned });
    });

    test('one that hangs is left when it is cancelled', async () => {
      const how = work();
      const deploying = deploy(under.releases.hung, 'run-1', how);
      setTimeout(() => how.cancel(), 300);
      await expect(deploying).rejects.toThrow('cancelled');
    });

    test.each([
      { ref: '--upload-pack=id', pinned: 'a' },
      { ref: 'v1', pinned: '$(id)' },
      { ref: '', pinned: 'a' },
    ])('what is no name of a release is refused before anything is begun: %j', async (release) => {
      await expect(deploy(release)).rejects.toMatchObject({ code: 'DEPLOY_REFUSED' });
      expect(await under.serves()).toBeUndefined();
    });
  });
}

/** A worker of its own begins the deployment, and is killed when it comes to a phase; where there are fewer, it ends by itself. */
async function killedAt(
  at: number,
  { settings, parts }: DeployUnderTest,
  input: Parameters<Deployer['deploy']>[0],
): Promise<void> {
  const child = spawn(
    join(process.cwd(), 'node_modules/.bin/node'),
    [join(process.cwd(), 'test/contracts/deploy/child.ts')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.stdin.end(JSON.stringify({ settings, parts, input }));
  const phases = new Set<string>();
  child.stdout.setEncoding('utf8').on('data', (said: string) => {
    for (const phase of said.split('\n').filter((line) => line !== '')) phases.add(phase);
    if (phases.size >= at) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
}

import type { FrontendConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { TrafficRouter, TrafficState } from '../../domain/traffic.ts';
import { sleep } from '../sleep.ts';
import { pageNames } from './frontend-page.ts';
import { createGithub, type Github, type Run } from './github.ts';
import { createRouter, type Lever } from './switch-over.ts';

/** In polls: how long a run that was started takes to be listed. */
const POLLS_TO_APPEAR = 6;
/** A run that begins after it is told from one that may have begun before the variable was set. */
const SECOND_MS = 1_050;

interface Seen extends TrafficState {
  readonly value: string;
  readonly updatedAt: string;
  /** A run that began after the variable was set has ended well, and the page names the variable's value. */
  readonly published: boolean;
}

/**
 * A book on static pages that was built with the app's address in it. The variable of its repository is what is said to be the
 * target; a switch is done when a build with it is out, which takes minutes. Readers keep what their browser has until they reload.
 * A build that an earlier attempt has begun, or anybody else, is waited for: none is started beside it.
 */
export function createFrontendRouter(config: FrontendConfig): TrafficRouter {
  const github = createGithub(config);
  const what = `${github.what}: variable ${config.variable}, workflow ${config.workflow}, page ${config.page}`;
  const lever: Lever<Seen> = {
    what,
    async look(signal) {
      const { value, updatedAt } = await github.variable(signal);
      const runs = await github.runsAfter(updatedAt, signal);
      const published = runs.some(endedWell) && (await pageNames(config.page, value, signal));
      const revision = published ? updatedAt : `${updatedAt}, not published`;
      return { targets: [value], revision, value, updatedAt, published };
    },
    async change({ value, updatedAt }, to, signal) {
      const [wanted = '', ...more] = to;
      if (more.length > 0) throw refused(what, 'a variable holds one address');
      if (!isHttpUrl(wanted)) throw refused(what, `${wanted} is no http:// or https:// URL, which a page needs`);
      if (value !== wanted) return github.setVariable(wanted, signal);
      const hands = { what, config, github, signal };
      await ended(hands, updatedAt, await underWay(hands, updatedAt));
      await shown(hands, wanted);
    },
    isDone: ({ published }) => published,
  };
  return createRouter(lever);
}

interface Hands {
  readonly what: string;
  readonly config: FrontendConfig;
  readonly github: Github;
  readonly signal: AbortSignal | undefined;
}

/** The run to wait for: one that has begun with the new value, or a new one. Runs that have failed are not counted. */
async function underWay(hands: Hands, since: string): Promise<number> {
  const { github, config, signal } = hands;
  const runs = await github.runsAfter(since, signal);
  const still = Date.now() - config.pageMinutes * 60_000;
  const open = runs.find((run) => run.status !== 'completed');
  const begun = open ?? runs.find((run) => endedWell(run) && Date.parse(run.updated_at) > still);
  return begun?.id ?? start(hands, since, runs);
}

/** After a lost answer, or from a server that does not tell the id, the new run is the one that was not there before. */
async function start({ what, config, github, signal }: Hands, since: string, before: readonly Run[]): Promise<number> {
  let lost: RecoveryError | undefined;
  await sleep(SECOND_MS, signal);
  try {
    const id = await github.start(signal);
    if (id !== undefined) return id;
  } catch (error) {
    if (!(error instanceof RecoveryError && error.code === 'TRAFFIC_UNREACHABLE')) throw error;
    lost = error;
  }
  for (let poll = 0; poll < POLLS_TO_APPEAR; poll += 1) {
    await sleep(config.pollSeconds * 1000, signal);
    const runs = await github.runsAfter(since, signal);
    const found = runs.find(({ id }) => before.every((one) => one.id !== id));
    if (found) return found.id;
  }
  throw lost ?? refused(what, 'the workflow was started, and no run of it has appeared');
}

/**
 * Waits for a run, or for the one that has taken its place: builds of pages are often set to cancel each other.
 * @throws RecoveryError TRAFFIC_REFUSED when it ends otherwise, or not in time
 */
async function ended({ what, config, github, signal }: Hands, since: string, first: number): Promise<void> {
  let id = first;
  for (const until = Date.now() + config.runMinutes * 60_000; ; await sleep(config.pollSeconds * 1000, signal)) {
    const run = await github.run(id, signal);
    if (endedWell(run)) return;
    if (Date.now() > until)
      throw refused(what, `${run.html_url} is still ${run.status} after ${config.runMinutes} min`);
    if (run.status !== 'completed') continue;
    const later = run.conclusion === 'cancelled' ? (await github.runsAfter(since, signal))[0] : undefined;
    if (!later || later.id <= id) throw refused(what, `${run.html_url} ended with ${run.conclusion}`);
    id = later.id;
  }
}

/** @throws RecoveryError TRAFFIC_REFUSED when the page does not name the address in time */
async function shown({ what, config, signal }: Hands, address: string): Promise<void> {
  for (const until = Date.now() + config.pageMinutes * 60_000; ; await sleep(config.pollSeconds * 1000, signal)) {
    if (await pageNames(config.page, address, signal)) return;
    if (Date.now() < until) continue;
    const often = `is the build given ${config.variable}, and is ${config.page} the page it publishes?`;
    throw refused(what, `the build ended well, but the page does not name ${address}: ${often}`);
  }
}

function endedWell({ status, conclusion }: Run): boolean {
  return status === 'completed' && conclusion === 'success';
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s"'<>\\]+$/.test(text) && URL.canParse(text);
}

function refused(what: string, why: string): RecoveryError {
  return new RecoveryError('TRAFFIC_REFUSED', `${what}: ${why}`);
}

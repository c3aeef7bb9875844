import { type AppAssessment, runsAlready } from './app-recovery.ts';
import { describeCount } from './format.ts';
import type { Place } from './partial-loss-plan.ts';
import type { Plan } from './plan.ts';

/** Forecast: the gates and the switch take seconds; a deployment what the platform takes. */
const VERIFY_SECONDS = 30;
const DEPLOY_SECONDS = 120;
/** Long enough to read aloud, and no two commits of a repository share it. */
const SHORT = 12;

/** The plan: pure, so that what is shown, approved, carried out and reported is the same value. */
export function planAppServer(found: AppAssessment, place: Place): Plan {
  const { diagnosis, traffic, from, to, chosen, before, set, variables } = found;
  const { environment, runId, commitWindowMinutes, faultDeclaredAt } = place;
  const { release } = chosen;
  const standing = runsAlready(before, release);
  return {
    version: 1,
    scenario: 'app-server',
    environment,
    target: `${to.name} (${to.url})`,
    runId,
    reason: diagnosis.sentence,
    steps: [
      {
        step: 'deploy',
        what: `bring ${nameOf(found)} up on ${to.name} by ${to.deploys}, with ${describeCount(variables.length)} variables${set ? ` of ${set.id}` : ''}`,
        why: standing ? `${chosen.why}; it runs there already` : chosen.why,
      },
      {
        step: 'verify',
        what: 'reach, every endpoint listed, golden questions, a session, CORS, keys, certificate, logs and metrics',
        why: `no reader is sent to ${to.name} before it has passed`,
      },
      {
        step: 'redirect',
        what: `let ${traffic.what} send new requests to ${to.target} alone`,
        why: `those under way end on ${from.name}`,
      },
      { step: 'commit', what: windowOf(commitWindowMinutes, from.name), why: `the RTO counts from ${faultDeclaredAt}` },
      {
        step: 'fence',
        what: `stop ${from.name}, and prove by a write that it takes none`,
        why: 'a server that comes back must not write beside the other',
      },
    ],
    loss: `requests that ${from.name} does not answer until the switch; nothing that is stored.`,
    expectedSeconds: VERIFY_SECONDS + (standing ? 0 : DEPLOY_SECONDS),
    basis: {
      from: from.name,
      to: to.name,
      router: traffic.state.targets.join(','),
      release: `${release.ref}@${release.pinned}`,
      set: set?.id ?? 'none',
      variables: variables.join(','),
    },
  };
}

function nameOf({ chosen: { release, unproven } }: AppAssessment): string {
  const { ref, pinned } = release;
  const name = pinned.startsWith(ref) || ref.includes(pinned) ? ref : `${ref} (${pinned.slice(0, SHORT)})`;
  return unproven ? `${name}, which nothing has proven yet` : name;
}

function windowOf(minutes: number, from: string): string {
  return minutes > 0
    ? `watch errors and answer times for ${minutes} min, and go back to ${from} by itself when they rise and it is well`
    : 'commit at once, without rollBack';
}

import { z } from 'zod';
import type { CaddyConfig } from '../../config/traffic.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { TrafficRouter, TrafficState } from '../../domain/traffic.ts';
import { excerpt } from '../exchange.ts';
import { type AdminAnswer, callAdmin } from './caddy-admin.ts';
import { createRouter, type Lever, Stale } from './switch-over.ts';

/** Other keys (`@id`, `max_requests`) stay what they are. */
const upstreamSchema = z.looseObject({ dial: z.string().min(1) });
type Upstream = z.infer<typeof upstreamSchema>;

const handlerSchema = z.looseObject({
  handler: z.literal('reverse_proxy'),
  upstreams: z.array(upstreamSchema).min(1),
  dynamic_upstreams: z.null('must not be there: it is used instead of the upstreams').optional(),
});

/** What Caddy dials: it takes any text, and fails at every request when it is none of these. */
const DIAL = /^(?:[^/\s]+:\d{1,5}|unix\/\/\S+)$/;

interface Seen extends TrafficState {
  readonly upstreams: readonly Upstream[];
}

/**
 * The upstreams of one `reverse_proxy` handler, changed in place through Caddy's admin API and locked by its ETag, so that two who
 * change it at the same time cannot both succeed. Requests under way end on the old upstream; connections that wait for the next
 * request are closed, as whenever a Caddy is reloaded. Caddy remembers a change over its own
 * restart only when it runs with `--resume`; `caddy reload` with an old file takes it back.
 */
export function createCaddyRouter(config: CaddyConfig): TrafficRouter {
  const what = `Caddy at ${config.adminUrl}, @id ${config.id}`;
  const path = `/id/${encodeURIComponent(config.id)}`;
  const lever: Lever<Seen> = {
    what,
    async look(signal) {
      return read(what, await callAdmin(config, { method: 'GET', path, signal }));
    },
    async change({ upstreams, revision }, to, signal) {
      const odd = to.find((dial) => !DIAL.test(dial));
      if (odd !== undefined)
        throw refused(what, `${JSON.stringify(odd)} is no address to dial, such as 127.0.0.1:8000`);
      const json = withTargets(upstreams, to);
      const ifMatch = revision ?? undefined;
      const { status, text } = await callAdmin(config, {
        method: 'PATCH',
        path: `${path}/upstreams`,
        json,
        ifMatch,
        signal,
      });
      if (status === 412) throw new Stale();
      if (status !== 200) throw refused(what, `${status} ${excerpt(text)}`);
    },
  };
  return createRouter(lever);
}

/**
 * The whole handler is read, and its ETag taken: an upstream list alone does not say whether it is used.
 * @throws RecoveryError TRAFFIC_REFUSED
 */
function read(what: string, { status, text, etag }: AdminAnswer): Seen {
  if (status !== 200) throw refused(what, `${status} ${excerpt(text)}`);
  const handler = handlerSchema.safeParse(parse(text));
  if (!handler.success) throw refused(what, `no reverse_proxy with upstreams: ${problemOf(handler.error)}`);
  if (etag === null) throw refused(what, 'no ETag came with the configuration: is this Caddy’s own admin API?');
  const { upstreams } = handler.data;
  return { targets: upstreams.map(({ dial }) => dial), revision: etag, upstreams };
}

/** Those that stay are kept as they are; a new one takes the place, and the other keys, of one that goes. */
function withTargets(upstreams: readonly Upstream[], to: readonly string[]): Upstream[] {
  const going = upstreams.filter(({ dial }) => !to.includes(dial));
  return to.map((dial) => upstreams.find((one) => one.dial === dial) ?? { ...going.shift(), dial });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(' ')).join('; ');
}

function refused(what: string, why: string): RecoveryError {
  return new RecoveryError('TRAFFIC_REFUSED', `${what}: ${why}`);
}

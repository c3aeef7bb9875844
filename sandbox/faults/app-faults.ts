import { readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { AppError } from '../app/faults.ts';
import { BAD_RELEASE, checkOut } from '../app/release.ts';
import type { Fault, FaultContext, LiveApp } from './fault.ts';

const configSchema = z.looseObject({ postgres: z.looseObject({ url: z.string() }) });
const DEAD = 'postgresql://textbook:lost@127.0.0.1:9/textbook';

/** Ways in which the server of the app that serves fails. */
export const appFaults: Readonly<Record<string, Fault>> = {
  kill: {
    about: 'kills the app’s server, without a warning',
    inject: async (context) => {
      const { part } = await liveApp(context);
      await context.control.kill(part);
      return `Killed the app’s server (${part}) with SIGKILL.`;
    },
    end: async (context) => context.control.start((await liveApp(context)).part),
  },
  hang: misbehaving('hang', 'lets the app take requests and never answer'),
  errors: misbehaving('errors', 'lets the app answer every request with 500, and its shallow health check with 200'),
  wrong: misbehaving('wrong', 'lets the app answer with status 200, and not what was asked'),
  slow: misbehaving('slow', 'lets every answer of the app come six seconds late'),
  'disk-full': misbehaving('disk-full', 'lets the app’s server have no space left to write'),
  'dead-embeddings': misbehaving('embeddings', 'lets the app’s server not reach the embedding API'),
  'wrong-config': {
    about: 'starts the app’s server with the address of a database that is not there',
    inject: async (context) => {
      const { part, folders } = await liveApp(context);
      const config = configSchema.parse(JSON.parse(await readFile(folders.config, 'utf8')));
      const text = JSON.stringify({ ...config, postgres: { url: DEAD } }, null, 2);
      await writeFile(folders.config, `${text}\n`, { mode: 0o600 });
      await context.control.restart(part);
      return `Started the app’s server (${part}) with the address of a database that is not there.`;
    },
  },
  'bad-release': {
    about: `rolls out ${BAD_RELEASE}, whose health check is green and whose answers are errors`,
    inject: async (context) => {
      const { part, folders, repository } = await liveApp(context);
      await checkOut(repository, folders, BAD_RELEASE);
      await context.control.restart(part);
      return `Rolled out ${BAD_RELEASE} on the app’s server (${part}): every answer is an error.`;
    },
  },
};

/** The process goes on, and what it does is wrong, until the switch is turned off. */
function misbehaving(fault: AppError, about: string): Fault {
  return {
    about,
    inject: async (context) => {
      const { part, folders } = await liveApp(context);
      await writeFile(folders.faults, `${JSON.stringify({ fault })}\n`);
      return `Turned a switch at the app’s server (${part}) that ${about}.`;
    },
    end: async (context) => rm((await liveApp(context)).folders.faults, { force: true }),
  };
}

async function liveApp({ liveApp: find }: FaultContext): Promise<LiveApp> {
  if (!find) throw new Error('the app is not the sandbox’s own, so there is nothing to break');
  return find();
}

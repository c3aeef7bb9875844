import type { Fault, FaultContext } from './fault.ts';

type Switch = 'unavailable' | 'hang' | 'recovery-mode' | 'slow' | 'rate-limit' | 'disk-full' | 'wrong-key';

const DEADLINE_MS = 5_000;
const TITLES = { qdrant: 'Qdrant', postgres: 'Postgres' };

/** The server is gone, with `kill -9`, until somebody starts it again. */
export function killing(part: keyof typeof TITLES): Fault {
  return {
    about: `kills the ${TITLES[part]} server, without a warning`,
    inject: async ({ control }) => {
      await control.kill(part);
      return `Killed the ${TITLES[part]} server with SIGKILL.`;
    },
    end: ({ control }) => control.restart(part),
  };
}

/** The server is up and misbehaves, until the switch is turned off. Its health routes go on answering. */
export function switching(name: Switch, about: string, sentence: string): Fault {
  return {
    about,
    inject: async (context) => {
      await turn('PUT', name, context);
      return sentence;
    },
    end: (context) => turn('DELETE', name, context),
  };
}

async function turn(method: 'PUT' | 'DELETE', name: string, { qdrantFaultUrl }: FaultContext): Promise<void> {
  if (qdrantFaultUrl === undefined) {
    throw new Error(`${name} needs the sandbox's own Qdrant: a real one has no fault switches`);
  }
  const answer = await fetch(`${qdrantFaultUrl}/faults/${name}`, {
    method,
    body: method === 'PUT' ? '{}' : null,
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  if (!answer.ok) throw new Error(`the fault switches answered ${answer.status}: ${await answer.text()}`);
}

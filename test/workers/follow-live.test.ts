import { describe, expect, test } from '@jest/globals';
import type { RecoveryActivities } from '../../activities/contract.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { PRIMARY, type ServerRef } from '../../domain/servers.ts';
import { followLive } from '../../workers/follow-live.ts';

const STANDBY: ServerRef = { kind: 'standby' };

/** Two servers that say where they are asked. */
function world(): { live: ServerRef; made: string[]; activities: RecoveryActivities } {
  const made: string[] = [];
  const state: { live: ServerRef; made: string[] } = { live: PRIMARY, made };
  const activities = followLive(['dropScratch', 'repointApp'], {
    live: async () => state.live,
    on: (server) => {
      made.push(server.kind);
      const say = async (input: object) => ({ at: server.kind, input });
      return { dropScratch: say, repointApp: say } as unknown as RecoveryActivities;
    },
  });
  return Object.assign(state, { activities });
}

const asked = (answer: unknown): { at: string; input: object } => answer as { at: string; input: object };

describe('an activity', () => {
  test('is done on the server that is live now, without a restart', async () => {
    const one = world();
    expect(asked(await one.activities.dropScratch({ scratch: 'a' }))).toEqual({
      at: 'primary',
      input: { scratch: 'a' },
    });
    one.live = STANDBY;
    expect(asked(await one.activities.dropScratch({ scratch: 'a' })).at).toBe('standby');
    expect(one.made).toEqual(['primary', 'standby']);
  });

  test('is done on the server that its input names, and does not see the name', async () => {
    const { activities } = world();
    const named = { scratch: 'a', server: STANDBY };
    expect(asked(await activities.dropScratch(named))).toEqual({ at: 'standby', input: { scratch: 'a' } });
  });

  test('about servers keeps the one that it is about', async () => {
    const { activities } = world();
    const input = { server: STANDBY, collection: 'a' };
    expect(asked(await activities.repointApp(input))).toEqual({ at: 'primary', input });
  });

  test('that needs no Qdrant is done though nobody can say which one is live', async () => {
    const activities = followLive(['notify', 'dropScratch'], {
      live: async () => {
        throw new RecoveryError('STORE_UNREACHABLE', 'the store cannot be read');
      },
      on: () => ({ notify: async () => 'told' }) as unknown as RecoveryActivities,
    });
    expect(await activities.notify({ event: 'e', message: 'm', urgent: true })).toBe('told');
    await expect(activities.dropScratch({ scratch: 'a' })).rejects.toMatchObject({ type: 'STORE_UNREACHABLE' });
  });

  test('refuses what is no server, before it does anything', async () => {
    const { activities, made } = world();
    const odd = { scratch: 'a', server: { kind: 'elsewhere' } } as unknown as { scratch: string };
    await expect(activities.dropScratch(odd)).rejects.toThrow();
    expect(made).toEqual([]);
  });
});

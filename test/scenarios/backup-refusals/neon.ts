import { afterAll } from '@jest/globals';
import { setStage, type Stage } from '../../activities/neon/stage.ts';
import { settled } from '../../support/neon.ts';
import type { Activities } from '../../support/refusals.ts';
import type { Refusal, Wrong } from './refusal.ts';

/** A project whose second branch expires, and whose plan allows no third. */
interface Full {
  readonly stage: Stage;
  readonly expiring: string;
}

let opening: Promise<Full> | undefined;

async function open(): Promise<Full> {
  const stage = await setStage({ limits: { branches: 2 } });
  const branch = { name: 'trial', expires_at: `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z` };
  const { data } = await stage.neon.client.createProjectBranch(stage.neon.id, { branch });
  await settled(stage.neon, data.operations);
  return { stage, expiring: data.branch.id };
}

afterAll(async () => (await opening)?.stage.close());

/** One project for all, since nothing of what is refused may change it. */
async function project(settings: (full: Full) => object): Promise<Wrong> {
  const full = await (opening ??= open());
  const { neon, branches } = full.stage;
  const own = { apiUrl: neon.apiUrl, apiKey: neon.apiKey, projectId: neon.id };
  return {
    settings: { neon: { ...own, ...settings(full) } },
    elsewhere: async () => (await branches()).map(({ id, name }) => `${id} ${name}`).sort(),
  };
}

const branch = (all: Activities): Promise<unknown> => all.createBackupBranch({ setId: 'set-1' });

export const neon: Refusal[] = [
  {
    what: 'a plan on Neon that allows no further branch',
    code: 'NEON_LIMIT',
    message: /Neon, create the branch backup-set-.*limit.*has 2, of which 0 are backups; delete what is not needed/,
    at: 'backup',
    step: 'branch',
    wrong: () => project(() => ({})),
  },
  {
    what: 'a branch on Neon that expires itself',
    code: 'NEON_REFUSED',
    message: /Neon: the branch trial expires at .*, and one that expires cannot have children; take its expiry away/,
    at: 'backup',
    step: 'branch',
    wrong: () => project(({ expiring }) => ({ branchId: expiring })),
  },
  {
    what: 'a key that Neon does not know',
    code: 'NEON_DENIED',
    message: /Neon, list the branches of the project test-project-12345678: 401 /,
    at: 'activity',
    act: branch,
    wrong: () => project(() => ({ apiKey: 'another' })),
  },
  {
    what: 'a project that Neon does not know',
    code: 'NEON_REFUSED',
    message: /Neon, list the branches of the project another-project-00000000: 404 .*not found/,
    at: 'activity',
    act: branch,
    wrong: () => project(() => ({ projectId: 'another-project-00000000' })),
  },
  {
    what: 'a branch that the project on Neon does not have',
    code: 'NEON_REFUSED',
    message: /Neon: the project test-project-12345678 has no branch br-gone, but .*; correct NEON_BRANCH_ID/,
    at: 'activity',
    act: branch,
    wrong: () => project(() => ({ branchId: 'br-gone' })),
  },
];

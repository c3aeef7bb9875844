import { createHash } from 'node:crypto';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/client';
import { FAILURES, type FailureCode } from '../../domain/failures.ts';
import { checksumsKeyOf, manifestKeyOf, setFolderOf } from '../../domain/names.ts';
import { type RecoverySet, recoverySetSchema } from '../../domain/recovery-set.ts';
import { checksumsOf } from '../../domain/stored-set.ts';
import type { PartialLossInput } from '../../domain/run-input.ts';
import { abortSignal, approveUpdate } from '../../workflows/messages.ts';
import { COLLECTION, Scenario, until } from '../support/scenario.ts';

type Restore = () => Promise<unknown>;

interface Refusal {
  readonly what: string;
  readonly code: FailureCode;
  /** What the message must name: the field or store, and what is wrong with it. */
  readonly message: RegExp;
  readonly input?: () => PartialLossInput;
  /** Makes it wrong, and returns how to make it right again. */
  readonly prepare?: () => Promise<Restore>;
}

const OTHER = 'set-20200101T000000Z-0a0b0c';
let scenario: Scenario;
let set: RecoverySet;
let before: Map<string, string>;

beforeAll(async () => {
  scenario = await Scenario.start();
}, 120_000);

afterAll(async () => {
  await scenario?.stop();
}, 60_000);

const store = (key: string): string => join(scenario.stack.env['STORE_DIRECTORY'] ?? '', key);

const markCollection = (name: string): Promise<unknown> =>
  scenario.qdrant('PATCH', `/collections/${COLLECTION}`, { metadata: { dr_environment: name } });

/** Puts another set beside the real one: all of its objects, and its manifest, changed. */
async function forge(change: (manifest: RecoverySet) => RecoverySet): Promise<Restore> {
  const folder = store(setFolderOf(OTHER));
  await cp(store(setFolderOf(set.id)), folder, { recursive: true });
  const moved = recoverySetSchema.parse(JSON.parse(JSON.stringify(set).replaceAll(set.id, OTHER)));
  const forged = change(moved);
  const manifest = JSON.stringify(forged);
  for (const [key, text] of [
    [manifestKeyOf(OTHER), manifest],
    [checksumsKeyOf(OTHER), checksumsOf(forged, createHash('sha256').update(manifest).digest('hex'))],
  ] as const) {
    await rm(store(key));
    await writeFile(store(key), text);
  }
  return () => rm(folder, { recursive: true });
}

/** A set whose snapshot has one byte turned, under the hash of the right one. */
async function tamper(): Promise<Restore> {
  const restore = await forge((manifest) => manifest);
  const path = store(set.qdrant.snapshot.key.replace(set.id, OTHER));
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  await rm(path);
  await writeFile(path, bytes);
  return restore;
}

const refusals: Refusal[] = [
  {
    what: 'an unknown field',
    code: 'INVALID_INPUT',
    message: /dropOrphan\b/,
    input: () => ({ dropOrphan: true }) as PartialLossInput,
  },
  {
    what: 'a field of the wrong type',
    code: 'INVALID_INPUT',
    message: /commitWindowMinutes/,
    input: () => ({ commitWindowMinutes: 'ten' }) as unknown as PartialLossInput,
  },
  {
    what: 'a Postgres of another environment',
    code: 'WRONG_ENVIRONMENT',
    message: /Postgres.* belongs to production.* sandbox/,
    prepare: async () => {
      await scenario.sql(`UPDATE dr_environment SET name = 'production'`);
      return () => scenario.sql(`UPDATE dr_environment SET name = 'sandbox'`);
    },
  },
  {
    what: 'a Qdrant collection of another environment',
    code: 'WRONG_ENVIRONMENT',
    message: /Qdrant collection textbook-content belongs to staging/,
    prepare: async () => {
      await markCollection('staging');
      return () => markCollection('sandbox');
    },
  },
  {
    what: 'a store that says nothing of its environment',
    code: 'UNMARKED_ENVIRONMENT',
    message: /Postgres.* does not say/,
    prepare: async () => {
      await scenario.sql('DELETE FROM dr_environment');
      return () => scenario.sql(`INSERT INTO dr_environment VALUES ('sandbox')`);
    },
  },
  {
    what: 'a set that is not there',
    code: 'SET_NOT_FOUND',
    message: new RegExp(OTHER),
    input: () => ({ setId: OTHER }),
  },
  {
    what: 'a set of another embedding model',
    code: 'SET_MISMATCH',
    message: /embedding\.model: expected energetic-ai-use-lite-768, found other/,
    input: () => ({ setId: OTHER }),
    prepare: () => forge((manifest) => ({ ...manifest, embedding: { ...manifest.embedding, model: 'other' } })),
  },
  {
    what: 'a set of another collection shape',
    code: 'SET_MISMATCH',
    message: /vectors\.size: expected 768, found 512/,
    input: () => ({ setId: OTHER }),
    prepare: () =>
      forge((manifest) => {
        const config = { ...manifest.qdrant.shape.config, params: { vectors: { size: 512, distance: 'Cosine' } } };
        return { ...manifest, qdrant: { ...manifest.qdrant, shape: { ...manifest.qdrant.shape, config } } };
      }),
  },
  {
    what: 'a set of another environment',
    code: 'SET_MISMATCH',
    message: /environment: expected sandbox, found production/,
    input: () => ({ setId: OTHER }),
    prepare: () => forge((manifest) => ({ ...manifest, environment: 'production' })),
  },
  {
    what: 'a tampered snapshot',
    code: 'SET_TAMPERED',
    message: /\.snapshot has SHA-256/,
    input: () => ({ setId: OTHER }),
    prepare: tamper,
  },
  {
    what: 'a set whose snapshot is gone',
    code: 'SET_TAMPERED',
    message: /gone\.snapshot/,
    input: () => ({ setId: OTHER }),
    prepare: () =>
      forge((manifest) => ({
        ...manifest,
        qdrant: {
          ...manifest.qdrant,
          snapshot: { ...manifest.qdrant.snapshot, key: `${setFolderOf(OTHER)}/gone.snapshot` },
        },
      })),
  },
  {
    what: 'ids of another kind than configured',
    code: 'UNKNOWN_ID_TYPE',
    message: /7/,
    prepare: async () => {
      await scenario.qdrant('PUT', `/collections/${COLLECTION}/points?wait=true`, {
        points: [{ id: 7, vector: Array(768).fill(0.1), payload: {} }],
      });
      before = await scenario.everything();
      return async () => {
        await scenario.qdrant('POST', `/collections/${COLLECTION}/points/delete?wait=true`, { points: [7] });
        before = await scenario.everything();
      };
    },
  },
];

test('is refused without any recovery set', async () => {
  const run = await scenario.run();
  const failure = await failureOf(run.result());
  expect(failure).toMatchObject({ type: 'NO_RECOVERY_SET', details: [{ next: FAILURES.NO_RECOVERY_SET.next }] });
  const id = await scenario.backUp();
  set = recoverySetSchema.parse(JSON.parse(await readFile(store(manifestKeyOf(id)), 'utf8')));
  await scenario.break('delete-sections');
  before = await scenario.everything();
}, 60_000);

test.each(refusals)(
  'is refused before the first write: $what',
  async ({ code, message, input = () => ({}), prepare }) => {
    const restore = await prepare?.();
    try {
      const run = await scenario.run(input());
      const failure = await failureOf(run.result());
      expect(failure.type).toBe(code);
      expect(failure.message).toMatch(message);
      expect(failure.details).toEqual([{ next: FAILURES[code].next }]);
      expect(await scenario.everything()).toEqual(before);
      expect(await scenario.collections()).toEqual([COLLECTION]);
    } finally {
      await restore?.();
    }
  },
  60_000,
);

test('is refused before the first write: a plan that is not the one proposed, and a second run at the same time', async () => {
  const run = await scenario.run();
  await until(run, ({ planHash }) => planHash !== undefined);
  const stale = await run
    .executeUpdate(approveUpdate, { args: [{ plan: '0123456789ab', approver: 'ann' }] })
    .catch((error: unknown) => error);
  expect(stale).toMatchObject({ cause: { type: 'STALE_PLAN', message: expect.stringMatching(/plan: 0123456789ab/) } });
  const second = await failureOf((await scenario.run()).result());
  expect(second).toMatchObject({ type: 'RUN_IN_PROGRESS', message: expect.stringContaining(run.workflowId) });
  await run.signal(abortSignal, { by: 'ann' });
  expect(await run.result()).toMatchObject({ outcome: 'aborted' });
  expect(await scenario.everything()).toEqual(before);
}, 60_000);

test.each(['qdrant', 'postgres'] as const)(
  'waits, having written nothing, while %s cannot be reached, and can be aborted',
  async (part) => {
    await scenario.stack.kill(part);
    const run = await scenario.run();
    const { awaiting } = await until(run, (status) => status.awaiting !== undefined);
    expect(awaiting).toMatch(new RegExp(`${part}.*next try in`, 'i'));
    await run.signal(abortSignal, { by: 'ann' });
    await run.result().catch(() => undefined);
    await scenario.stack.start(part);
    expect(await scenario.everything()).toEqual(before);
  },
  90_000,
);

async function failureOf(result: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await result.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof ApplicationFailure) return cause;
  throw new Error(`the run was not refused: ${String(error)}`);
}

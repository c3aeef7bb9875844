import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { withFailures } from '../../activities/fail.ts';
import { RecoveryError } from '../../domain/failures.ts';
import type { RunReport } from '../../domain/report.ts';
import type { Verification } from '../../domain/verification.ts';
import type { verifyRecoverySet } from '../../workflows/verify-recovery-set.ts';
import { fakeStack, recoverySet } from '../support/fake-activities.ts';
import { timeSkippingServer, workflowBundle } from '../support/temporal.ts';

type Overrides = NonNullable<Parameters<typeof fakeStack>[0]>;

let server: TestWorkflowEnvironment;

beforeAll(async () => {
  server = await timeSkippingServer();
});

afterAll(async () => {
  await server?.teardown();
});

/** Verifies with activities that answer as told. @returns the report, what was recorded and what was called */
async function verify(
  overrides: Overrides,
): Promise<{ report: RunReport; records: Verification[]; calls: string[]; urgent: boolean[] }> {
  const environment = `test-${randomUUID().slice(0, 8)}`;
  const records: Verification[] = [];
  const urgent: boolean[] = [];
  const { activities, calls } = fakeStack(
    {
      findLeaseHolder: async () => null,
      recordVerification: async ({ record }) => {
        records.push(record);
        return { record: { key: 'record', sha256: 'a'.repeat(64), bytes: 1 }, instead: 'set-before' };
      },
      notify: async (message) => void urgent.push(message.urgent),
      ...overrides,
    },
    environment,
  );
  const worker = await Worker.create({
    connection: server.nativeConnection,
    taskQueue: `recovery-${environment}`,
    workflowBundle: await workflowBundle(),
    activities: withFailures(activities),
  });
  const report = await worker.runUntil(
    server.client.workflow.execute<typeof verifyRecoverySet>('verifyRecoverySet', {
      taskQueue: `recovery-${environment}`,
      workflowId: `verify/${randomUUID()}`,
      args: [{}],
    }),
  );
  return { report, records, calls, urgent };
}

/** The set, with a dump. */
const withDump: Pick<Overrides, 'pickSet'> = {
  pickSet: async () => {
    const dump = { folder: 'dump', files: [recoverySet.golden] };
    const postgres = { serverVersion: '18', lsn: '0/1', dump, rows: {}, fingerprints: {} };
    const set = { ...recoverySet, postgres };
    return { id: set.id, set, manifestSha256: 'f'.repeat(64), why: 'the newest set' };
  },
};

const failing = (code: ConstructorParameters<typeof RecoveryError>[0]) => async (): Promise<never> => {
  throw new RecoveryError(code, `it says ${code}`);
};

describe('a verification', () => {
  test('records what it found, and takes away what it restored whatever that is', async () => {
    const { report, records, calls } = await verify({});
    expect(report).toMatchObject({ outcome: 'completed', verdict: 'pass' });
    expect(records).toMatchObject([{ level: 'full', verdict: 'pass' }]);
    expect(calls).toContain('dropRestored');
  });

  test.each(['SET_TAMPERED', 'RESTORE_INCOMPLETE'] as const)(
    'fails the set over %s without waiting for anybody, and tells people urgently',
    async (code) => {
      const { report, records, calls, urgent } = await verify({ restoreSnapshot: failing(code) });
      expect(report).toMatchObject({ outcome: 'completed', verdict: 'fail' });
      expect(records).toMatchObject([{ verdict: 'fail' }]);
      expect(report.gates.some(({ observed }) => observed === `it says ${code}`)).toBe(true);
      expect(calls).toContain('dropRestored');
      expect(urgent).toContain(true);
      expect(report.notes.join()).toMatch(/would take set-before.*dr sets show set-20260101T000000Z-abcdef/);
      expect(report.gates.map(({ name }) => name)).toContain('restored snapshot');
    },
  );

  test.each(['QDRANT_REFUSED', 'POSTGRES_REFUSED'] as const)(
    'blames nobody over %s: a server that refuses must not take a good set out of use',
    async (code) => {
      const { records } = await verify(
        code === 'QDRANT_REFUSED'
          ? { restoreSnapshot: failing(code) }
          : { ...withDump, restoreDumpBeside: failing(code) },
      );
      expect(records).toMatchObject([{ verdict: 'unproven' }]);
    },
  );

  test('of a set whose manifest was changed says so, and writes no record beside it', async () => {
    const { report, records } = await verify({ pickSet: async () => ({ id: 'set-1', problem: 'it was changed' }) });
    expect(report).toMatchObject({ outcome: 'completed', verdict: 'fail' });
    expect(records).toEqual([]);
  });

  test('proves nothing when something that it restored is still there, which is no fault of the set’s', async () => {
    let made = '';
    const { records } = await verify({
      restoreSnapshot: async ({ scratch }) => {
        made = scratch;
        return { points: 100 };
      },
      listRestored: async () => [made],
    });
    expect(records).toMatchObject([{ verdict: 'unproven' }]);
  });
});

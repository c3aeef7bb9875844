import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN_KEY, READ_KEY } from '../../support/qdrant.ts';
import { fill, point, setStage, type Stage } from './stage.ts';

describe('the access gates', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await setStage();
    await fill(stage, 'textbook-content', [point('1', 1)]);
  });
  afterAll(() => stage.close());

  const gates = async (on: Stage, config: object = {}) => {
    const found = await on.run(() => on.activities({ config }).checkAccess());
    return { verdicts: found.map(({ verdict }) => verdict), text: JSON.stringify(found) };
  };

  test('pass where no key, a wrong key and a read-only key are refused what they should be', async () => {
    const { verdicts, text } = await gates(stage);
    expect(verdicts).toEqual(['pass', 'pass', 'pass']);
    expect(text).not.toContain(ADMIN_KEY);
    expect(text).not.toContain(READ_KEY);
  });

  test('a read-only key that can write fails, and writing with it harmed nothing', async () => {
    const { verdicts, text } = await gates(stage, { readOnlyApiKey: ADMIN_KEY });
    expect(verdicts).toEqual(['pass', 'pass', 'fail']);
    expect(text).toContain('writing allowed (200)');
    expect(await stage.vectors.count('textbook-content')).toBe(1);
  });

  test('what cannot be tried is unproven, not passed', async () => {
    expect((await gates(stage, { readOnlyApiKey: undefined })).verdicts).toEqual(['pass', 'pass']);
    expect((await gates(stage, { apiKey: undefined })).verdicts).toEqual(['unproven']);
    expect((await gates(stage, { collection: 'absent' })).verdicts).toEqual(['pass', 'pass', 'unproven']);
  });

  test('a server that lets everybody in fails in plain words', async () => {
    const open = await setStage({ open: true });
    try {
      await fill(open, 'textbook-content', [point('1', 1)]);
      const { verdicts, text } = await gates(open, { apiKey: ADMIN_KEY, readOnlyApiKey: READ_KEY });
      expect(verdicts).toEqual(['fail', 'fail', 'fail']);
      expect(text).toContain('the server is open to everybody');
      expect(await open.vectors.count('textbook-content')).toBe(1);
    } finally {
      await open.close();
    }
  });
});

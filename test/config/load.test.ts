import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadClientConfig } from '../../config/client.ts';
import { type ConfigSources, loadConfig } from '../../config/load.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const required = { DR_ENVIRONMENT: 'test', EMBEDDINGS_URL: 'http://127.0.0.1:9/v1', EMBEDDINGS_MODEL: 'model' };

/** A folder with the given files. */
function folder(files: Record<string, string> = {}): string {
  const path = temporaryFolder('dr-config');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

async function refusal(sources: ConfigSources): Promise<string> {
  const error = await loadConfig(sources).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RecoveryError)) throw new Error(`expected a RecoveryError, got ${inspect(error)}`);
  expect(error.code).toBe('INVALID_CONFIGURATION');
  return error.message;
}

describe('where settings come from', () => {
  test('three variables are enough', async () => {
    const config = await loadConfig({ env: required, cwd: folder() });
    expect(config.environment).toBe('test');
    expect(config.embeddings.identity).toEqual({ model: 'model', dimensions: 768, distance: 'Cosine' });
    expect(config.postgres).toBeUndefined();
  });

  test.each(['DATABASE_URL', 'NEON_DATABASE_URL', 'NEON_DB_URL', 'NEON_CONN_STRING'])(
    '%s is the database',
    async (name) => {
      const config = await loadConfig({
        env: { ...required, [name]: 'postgresql+asyncpg://a:b@host/db' },
        cwd: folder(),
      });
      expect(config.postgres?.url.reveal()).toBe('postgresql://a:b@host/db');
    },
  );

  test('citations in a table of their own need the column that names the message', async () => {
    const messages = { table: 'messages', id: 'id', sessionId: 's', role: 'role', content: 'content' };
    const tables = (trace: object) => ({ postgres: { url: 'postgresql://a@b/c', tables: { messages, trace } } });
    const cwdOf = (trace: object): string => folder({ 'recovery.config.json': JSON.stringify(tables(trace)) });
    const trace = { table: 'citations', chunkIds: 'chunk_id', kind: 'value' };
    expect(await refusal({ env: required, cwd: cwdOf(trace) })).toMatch(/postgres\.tables\.trace\.messageId/);
    await loadConfig({ env: required, cwd: cwdOf({ ...trace, messageId: 'message_id' }) });
    await loadConfig({ env: required, cwd: cwdOf({ ...trace, table: 'messages' }) });
  });

  test('a variable wins over the file, and an empty one does not count', async () => {
    const cwd = folder({ 'recovery.config.json': JSON.stringify({ qdrant: { collection: 'filed', parallel: 2 } }) });
    const named = await loadConfig({ env: { ...required, QDRANT_COLLECTION: 'named' }, cwd });
    expect(named.qdrant).toMatchObject({ collection: 'named', parallel: 2 });
    const empty = await loadConfig({ env: { ...required, QDRANT_COLLECTION: '' }, cwd });
    expect(empty.qdrant.collection).toBe('filed');
  });

  test.each([
    ['recovery.config.json', '{"commitWindowMinutes": 7}'],
    ['recovery.config.mjs', 'export default { commitWindowMinutes: 7 };'],
    ['recovery.config.ts', 'const minutes: number = 7;\nexport default { commitWindowMinutes: minutes };'],
    ['recovery.config.js', 'module.exports = { commitWindowMinutes: 7 };'],
  ])('%s is found in the current folder', async (name, text) => {
    const config = await loadConfig({ env: required, cwd: folder({ [name]: text }) });
    expect(config.commitWindowMinutes).toBe(7);
  });

  test('the file may be named, by RECOVERY_CONFIG or by the caller', async () => {
    const cwd = folder({ 'one.json': '{"commitWindowMinutes": 1}', 'two.json': '{"commitWindowMinutes": 2}' });
    const env = { ...required, RECOVERY_CONFIG: 'one.json' };
    expect((await loadConfig({ env, cwd })).commitWindowMinutes).toBe(1);
    expect((await loadConfig({ env, cwd, file: 'two.json' })).commitWindowMinutes).toBe(2);
  });

  test('relative paths are meant from the file, or from the current folder for a variable', async () => {
    const elsewhere = folder({ 'set.json': '{"store": {"directory": "sets"}, "content": {"directory": "text"}}' });
    const cwd = folder();
    const sources = { cwd, file: join(elsewhere, 'set.json') };
    const config = await loadConfig({ ...sources, env: required });
    expect([config.store.directory, config.content?.directory]).toEqual([
      join(elsewhere, 'sets'),
      join(elsewhere, 'text'),
    ]);
    const named = await loadConfig({ ...sources, env: { ...required, STORE_DIRECTORY: 'here' } });
    expect(named.store.directory).toBe(join(cwd, 'here'));
  });
});

describe('what is wrong is said all at once, with the setting, its origin and what to do', () => {
  test('missing settings are one sentence each, and a misspelt variable is noticed', async () => {
    const message = await refusal({ env: { DR_ENVIROMENT: 'test' }, cwd: folder() });
    expect(message).toContain('has 3 problems');
    expect(message).toMatch(/environment is not set\. Set DR_ENVIRONMENT to .*DR_ENVIROMENT is set; was it meant\?/);
    expect(message).toContain('embeddings.url is not set. Set EMBEDDINGS_URL');
    expect(message).toContain('embeddings.identity.model is not set. Set EMBEDDINGS_MODEL');
  });

  test('a wrong value names the variable that it came from', async () => {
    const env = { ...required, QDRANT_URL: 'qdrant:6333', EMBEDDINGS_DIMENSIONS: 'many' };
    const message = await refusal({ env, cwd: folder() });
    expect(message).toContain('qdrant.url (from QDRANT_URL): must be an http:// or https:// URL');
    expect(message).toContain('embeddings.identity.dimensions (from EMBEDDINGS_DIMENSIONS)');
  });

  test('an unknown key names the one that was meant', async () => {
    const settings = {
      qdrant: { colection: 'x' },
      commitWindow: 1,
      postgres: { table: {} },
      zzz: 1,
      goldenQuestion: 'x',
    };
    const cwd = folder({ 'recovery.config.json': JSON.stringify(settings) });
    const message = await refusal({ env: required, cwd });
    expect(message).toContain(
      'qdrant.colection (in recovery.config.json): there is no such setting. Did you mean qdrant.collection?',
    );
    expect(message).toContain('Did you mean postgres.tables?');
    expect(message).toContain('Did you mean goldenQuestions?');
    expect(message).toContain('zzz (in recovery.config.json): there is no such setting. Take it out.');
  });

  test('two names of one setting that disagree are named', async () => {
    const env = { ...required, DATABASE_URL: 'postgresql://a:b@one/db', NEON_DB_URL: 'postgresql://a:b@two/db' };
    expect(await refusal({ env, cwd: folder() })).toContain('DATABASE_URL and NEON_DB_URL are both set and differ');
    const same = { ...env, NEON_DB_URL: env.DATABASE_URL };
    await expect(loadConfig({ env: same, cwd: folder() })).resolves.toBeDefined();
  });

  test.each([
    ['recovery.config.json', '{\n"qdrant": {"apiKey": s3cret}}', 'is not valid JSON'],
    ['recovery.config.json', '[]', 'must hold (as a module: export by default) one object'],
    ['recovery.config.mjs', 'throw new TypeError("s3cret");', 'cannot be loaded: TypeError at line 1'],
  ])('a file that cannot be used (%s: %j) hides nothing and shows nothing', async (name, text, says) => {
    const message = await refusal({ env: {}, cwd: folder({ [name]: text }) });
    expect(message).toContain(`has one problem:\n- ${name} ${says}`);
    expect(message).not.toContain('s3cret');
  });

  test('two files, or a named file that is not there', async () => {
    const cwd = folder({ 'recovery.config.json': '{}', 'recovery.config.mjs': 'export default {}' });
    expect(await refusal({ env: required, cwd })).toContain('are both there');
    expect(await refusal({ env: required, cwd, file: 'gone.json' })).toContain('gone.json is named');
  });

  test('an address must not carry a password', async () => {
    const env = { ...required, QDRANT_URL: 'https://user:s3cret@qdrant.example' };
    const message = await refusal({ env, cwd: folder() });
    expect(message).toContain('must not carry a user name or password');
    expect(message).not.toContain('s3cret');
  });
});

describe('secrets', () => {
  const SECRETS = ['QDRANT_API_KEY', 'QDRANT_READ_ONLY_API_KEY', 'EMBEDDINGS_API_KEY', 'NOTIFY_WEBHOOK_URL'];
  const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/);

  test('never appear in anything that a configuration prints', async () => {
    const cwd = folder();
    await fc.assert(
      fc.asyncProperty(secret, async (value) => {
        const keys = Object.fromEntries(SECRETS.map((name) => [name, value]));
        const config = await loadConfig({
          env: { ...required, ...keys, DATABASE_URL: `postgresql://u:${value}@h/d` },
          cwd,
        });
        const seen = [
          JSON.stringify(config),
          inspect(config, { depth: null, showHidden: true }),
          String(config.qdrant.apiKey),
        ];
        for (const text of seen) expect(text).not.toContain(value);
        expect(config.qdrant.apiKey?.reveal()).toBe(value);
      }),
      { numRuns: 30 },
    );
  });

  test('never appear in a message, wherever they stand', async () => {
    const cwd = folder();
    const file = (value: string): string => {
      const wrong = {
        qdrant: value,
        postgres: { url: value, tables: value },
        embeddings: { apiKey: { value } },
        notify: [value],
      };
      writeFileSync(join(cwd, 'wrong.json'), JSON.stringify(wrong));
      return 'wrong.json';
    };
    await fc.assert(
      fc.asyncProperty(secret, async (value) => {
        const env = {
          DR_ENVIRONMENT: `${value}!`,
          QDRANT_URL: value,
          EMBEDDINGS_URL: `https://u:${value}@host`,
          EMBEDDINGS_DIMENSIONS: value,
          EMBEDDINGS_API_KEY: value,
          OPENAI_API_KEY: `${value}2`,
          DATABASE_URL: `mysql://u:${value}@h/d`,
        };
        expect(await refusal({ env, cwd })).not.toContain(value);
        expect(await refusal({ env: required, cwd, file: file(value) })).not.toContain(value);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what the command line reads', () => {
  test('needs no credentials and does not look at the rest', async () => {
    const cwd = folder({ 'recovery.config.json': '{"environment": "test", "qdrant": {"typo": 1}}' });
    const config = await loadClientConfig({ env: { STORE_DIRECTORY: 'store', DATABASE_URL: 'nonsense' }, cwd });
    expect(config).toEqual({
      environment: 'test',
      uiUrl: 'http://127.0.0.1:8233',
      store: { directory: join(cwd, 'store') },
      objectives: { rtoSeconds: 4 * 3600, rpoSeconds: 24 * 3600 },
      retention: { keepDays: 30, keepVerified: 2, verifyWithinDays: 8 },
      schedules: {
        backup: { cron: '15 2 * * *', timeZone: 'UTC' },
        verification: { cron: '15 4 * * 0', timeZone: 'UTC' },
      },
      sandbox: undefined,
    });
  });

  test.each([
    ['{"schedules": {"backup": {"cron": "at night"}}}', /schedules\.backup\.cron .*cron expression/],
    ['{"schedules": {"backup": {"timeZone": "Mars/Base"}}}', /schedules\.backup\.timeZone .*IANA name/],
    ['{"retention": {"keepDays": 0}}', /retention\.keepDays/],
    ['{"retention": {"keepVerified": 1}}', /retention\.keepVerified/],
  ])('refuses %s by name', async (settings, says) => {
    const cwd = folder({ 'recovery.config.json': settings });
    await expect(loadClientConfig({ env: {}, cwd })).rejects.toThrow(says);
  });

  test('keeps the token of the sandbox to itself', async () => {
    const env = { SANDBOX_CONTROL_URL: 'http://127.0.0.1:7', SANDBOX_CONTROL_TOKEN: 't0ken' };
    const config = await loadClientConfig({ env, cwd: folder() });
    expect(config.sandbox?.controlToken?.reveal()).toBe('t0ken');
    expect(inspect(config, { depth: null })).not.toContain('t0ken');
  });
});

import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { loadTemporalConnection } from '../../config/temporal.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const elsewhere = { TEMPORAL_CONFIG_FILE: join(tmpdir(), 'no-such-temporal.toml') };

function profile(toml: string): NodeJS.ProcessEnv {
  const path = join(temporaryFolder('dr-temporal'), 'temporal.toml');
  writeFileSync(path, toml);
  return { TEMPORAL_CONFIG_FILE: path };
}

describe('the connection to Temporal', () => {
  test('is the local server without any setting', () => {
    const connection = loadTemporalConnection(elsewhere);
    expect(connection).toMatchObject({ address: '127.0.0.1:7233', namespace: 'default' });
    expect(connection.options()).toEqual({ address: '127.0.0.1:7233' });
  });

  test('is read from variables over the profile in temporal.toml', () => {
    const env = profile('[profile.default]\naddress = "filed:7233"\nnamespace = "filed"\n');
    expect(loadTemporalConnection({ ...env, TEMPORAL_NAMESPACE: 'named' })).toMatchObject({
      address: 'filed:7233',
      namespace: 'named',
    });
  });

  test('turns TLS on with an API key, and shows the key to nobody', () => {
    const connection = loadTemporalConnection({
      ...elsewhere,
      TEMPORAL_ADDRESS: 'cloud:7233',
      TEMPORAL_API_KEY: 's3cret',
    });
    expect(connection.options()).toMatchObject({ address: 'cloud:7233', apiKey: 's3cret', tls: true });
    expect(inspect(connection, { depth: null }) + JSON.stringify(connection)).not.toContain('s3cret');
  });

  test.each([
    ['a file that is no TOML', () => profile('[profile.default]\napi_key = s3cret')],
    [
      'a certificate that is not there',
      () => ({ ...elsewhere, TEMPORAL_TLS_CLIENT_CERT_PATH: '/none.pem', TEMPORAL_TLS_CLIENT_KEY_PATH: '/none.key' }),
    ],
  ])('that cannot be used (%s) is refused without quoting it', (_what, env) => {
    const load = (): unknown => loadTemporalConnection(env());
    expect(load).toThrow(RecoveryError);
    expect(load).toThrow(/^the connection to Temporal: (?!.*s3cret)[^\n]+$/);
  });
});

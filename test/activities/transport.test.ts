import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { checkTransport } from '../../activities/transport.ts';
import { startServer } from '../support/http.ts';
import { freePort } from '../support/ports.ts';

/** Made for this test, for `localhost`, and good for nothing else. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgOJlcculf72az3Bnd
Cm/nUYiI1koxg6jpLUOPGkndAEahRANCAAQLSKUiQw721V8vZi0a2ORiBmfheYQc
Z2jwiZzPvPnTbXyntpDHpbt3ZULz8UDFiCSjd0ZyRC4eEHCX9eVcti84
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUBLnRiJlzxEsO2POxtGHZcd9pCG0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTE1MDkyNloYDzIxMjYxMTAx
MTUwOTI2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQLSKUiQw721V8vZi0a2ORiBmfheYQcZ2jwiZzPvPnTbXyntpDHpbt3
ZULz8UDFiCSjd0ZyRC4eEHCX9eVcti84o2kwZzAdBgNVHQ4EFgQUzWJwo55VblDx
1I6RVQzDcJK6iA0wHwYDVR0jBBgwFoAUzWJwo55VblDx1I6RVQzDcJK6iA0wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
RwAwRAIgb+9r847+izWIYkxxw0W7Sr1Qhmgsgru/6MZ/h9WSJ9gCIFook35xg1eR
I4qFu5MfmD8rGJ3C0CCEItioja0qLuUR
-----END CERTIFICATE-----`;

describe('the transport gate', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer({ key: KEY, cert: CERTIFICATE });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  const verdict = async (url: string) => {
    const { protocol, hostname, port } = new URL(url);
    return (await checkTransport({ https: protocol === 'https:', host: hostname, port: Number(port) }))[0];
  };

  test('a certificate that nobody vouches for is red', async () => {
    expect(await verdict(`https://localhost:${port}`)).toMatchObject({
      verdict: 'fail',
      observed: expect.stringContaining('self-signed'),
    });
  });

  test('one that this machine takes is green for its name, and red for another', async () => {
    const before = getCACertificates('default');
    setDefaultCACertificates([CERTIFICATE]);
    try {
      expect(await verdict(`https://localhost:${port}`)).toMatchObject({
        verdict: 'pass',
        observed: expect.stringContaining('valid until'),
      });
      expect(await verdict(`https://127.0.0.1:${port}`)).toMatchObject({ verdict: 'fail' });
    } finally {
      setDefaultCACertificates(before);
    }
  });

  test('what speaks no TLS where it is declared is red; what does not answer proves nothing', async () => {
    const plain = await startServer();
    expect(await verdict(plain.url.replace('http:', 'https:'))).toMatchObject({ verdict: 'fail' });
    await plain.stop();
    expect(await verdict(`https://127.0.0.1:${await freePort()}`)).toMatchObject({ verdict: 'unproven' });
  });

  test('where none is declared, it is said that there is none', async () => {
    expect(await verdict('http://127.0.0.1:1')).toMatchObject({
      verdict: 'pass',
      observed: expect.stringContaining('no TLS'),
    });
  });
});

import { expect, test } from '@jest/globals';
import { overlayEnvironment, withAbsolutePaths } from '../../config/environment.ts';
import { VARIABLES } from '../../config/variables.ts';

const settings = {
  appServers: {
    servers: {
      primary: { deploy: { render: { serviceId: 'srv-1' } } },
      backup: { deploy: { command: { ssh: { host: 'backup', keyFile: 'keys/id' } } } },
      third: { deploy: { render: { serviceId: 'srv-3', token: 'of-the-file' } } },
    },
  },
};
const from = (env: Record<string, string>, given: object = settings) =>
  overlayEnvironment({ ...given }, { env, cwd: '/', variables: VARIABLES });

test('a token is given to every server that has use for it, over the file, and to no other', () => {
  const { settings: read, origins } = from({ RENDER_API_KEY: 'of-the-environment' });
  expect(read).toEqual({
    appServers: {
      servers: {
        primary: { deploy: { render: { serviceId: 'srv-1', token: 'of-the-environment' } } },
        backup: settings.appServers.servers.backup,
        third: { deploy: { render: { serviceId: 'srv-3', token: 'of-the-environment' } } },
      },
    },
  });
  expect([...origins.keys()]).toEqual([
    'appServers.servers.primary.deploy.render.token',
    'appServers.servers.third.deploy.render.token',
  ]);
});

test.each([[{}], [{ appServers: { servers: [] } }], [{ appServers: 'no' }]])(
  'with %j a token has nowhere to go, and makes nothing up',
  (given) => {
    expect(from({ HF_TOKEN: 'x', RENDER_API_KEY: 'y' }, given).settings).toEqual(given);
  },
);

test('key files are meant from the configuration file', () => {
  const path = 'appServers.servers.*.deploy.command.ssh.keyFile';
  expect(withAbsolutePaths(settings, [path], '/etc/recovery')).toMatchObject({
    appServers: { servers: { backup: { deploy: { command: { ssh: { keyFile: '/etc/recovery/keys/id' } } } } } },
  });
});

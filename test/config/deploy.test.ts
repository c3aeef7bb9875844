import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { createDeployer } from '../../activities/deploy/index.ts';
import { deployConfigSchema } from '../../config/deploy.ts';

const TOKEN = 'a-token-that-nobody-may-see';
const COMMAND = {
  run: [{ run: ['deploy.sh', '{ref}'] }],
  find: { run: ['find.sh'] },
  stop: [{ run: ['stop.sh'] }],
  stateFile: '/srv/app/deployed.json',
};
const SSH = { host: '10.0.0.2', user: 'deployer', keyFile: '/keys/app', knownHostsFile: '/keys/known' };
const DOCKER = { socket: '/var/run/docker.sock', container: 'app-backup' };
const TCP = { host: 'backup.example', caFile: 'ca.pem', certFile: 'cert.pem', keyFile: 'key.pem' };
const RENDER = { token: TOKEN, serviceId: 'srv-1' };
const SPACE = { token: TOKEN, space: 'people/book', repository: 'https://github.com/people/book' };

describe('settings of deployments', () => {
  test.each<[string, object, string]>([
    ['commands here', { command: COMMAND }, 'commands here, deploy.sh'],
    ['commands over SSH', { command: { ...COMMAND, ssh: SSH } }, 'commands at deployer@10.0.0.2:22, deploy.sh'],
    ['a socket', { docker: DOCKER }, 'docker at unix:///var/run/docker.sock, container app-backup'],
    [
      'TCP',
      { docker: { container: 'app', tcp: TCP, registry: { username: 'a', password: TOKEN, server: 'b' } } },
      'docker at tcp://backup.example:2376, container app',
    ],
    ['Render', { render: RENDER }, 'Render, service srv-1'],
    ['a Space', { hfSpace: SPACE }, 'Hugging Face, Space people/book'],
  ])('make a deployer of %s that says what it is, and no secret', (_what, settings, words) => {
    const config = deployConfigSchema.parse(settings);
    expect(createDeployer(config, { environment: 'test', variables: {} }).what).toBe(words);
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain(TOKEN);
  });

  test.each<[string, object, string, string]>([
    ['nothing', {}, '', 'exactly one of'],
    ['two kinds', { render: RENDER, hfSpace: SPACE }, '', 'exactly one of'],
    ['a kind that there is none of', { kamal: {} }, '', 'kamal'],
    ['no commands', { command: { ...COMMAND, run: [] } }, 'command.run', 'Too small'],
    ['a line for a shell', { command: { ...COMMAND, run: ['deploy.sh v1'] } }, 'command.run.0', 'expected object'],
    [
      'a find of a release',
      { command: { ...COMMAND, find: { run: ['f', '{ref}'] } } },
      'command.find.run',
      'no release',
    ],
    ['a stop of one', { command: { ...COMMAND, stop: [{ run: ['{pinned}'] }] } }, 'command.stop.0.run', 'no release'],
    ['a relative state file', { command: { ...COMMAND, stateFile: 'a' } }, 'command.stateFile', 'from the root'],
    [
      'a relative folder',
      { command: { ...COMMAND, find: { run: ['f'], cwd: 'a' } } },
      'command.find.cwd',
      'from the root',
    ],
    [
      'a host that is an option',
      { command: { ...COMMAND, ssh: { ...SSH, host: '-oProxyCommand=id' } } },
      'command.ssh.host',
      'host name',
    ],
    ['a user that is one', { command: { ...COMMAND, ssh: { ...SSH, user: '-x' } } }, 'command.ssh.user', 'of a user'],
    [
      'no known hosts',
      { command: { ...COMMAND, ssh: { ...SSH, knownHostsFile: '' } } },
      'command.ssh.knownHostsFile',
      'Too small',
    ],
    ['no engine', { docker: { container: 'app' } }, 'docker.socket', 'either socket or tcp'],
    ['two engines', { docker: { ...DOCKER, tcp: TCP } }, 'docker.socket', 'either socket or tcp'],
    [
      'TCP without a key',
      { docker: { container: 'app', tcp: { ...TCP, keyFile: undefined } } },
      'docker.tcp.keyFile',
      'expected string',
    ],
    ['a name with a slash', { docker: { ...DOCKER, container: 'a/b' } }, 'docker.container', 'as Docker has them'],
    ['a name of one letter', { docker: { ...DOCKER, container: 'a' } }, 'docker.container', 'two characters'],
    [
      'a port out of range',
      { docker: { ...DOCKER, ports: [{ container: 8000, host: 80_000 }] } },
      'docker.ports.0.host',
      '65535',
    ],
    ['a volume without a place', { docker: { ...DOCKER, volumes: ['data'] } }, 'docker.volumes.0', 'name:/path'],
    ['a service by its address', { render: { ...RENDER, serviceId: 'https://x' } }, 'render.serviceId', 'an id'],
    ['no token', { render: { serviceId: 'srv-1' } }, 'render.token', 'expected string'],
    ['a Space without its owner', { hfSpace: { ...SPACE, space: 'book' } }, 'hfSpace.space', 'owner/name'],
    [
      'a repository that is an option',
      { hfSpace: { ...SPACE, repository: '--upload-pack=id' } },
      'hfSpace.repository',
      'a repository',
    ],
    ['a folder above', { hfSpace: { ...SPACE, folder: '/backend' } }, 'hfSpace.folder', 'below the root'],
  ])('refuse %s, and name it', (_what, settings, path, words) => {
    const { error } = deployConfigSchema.safeParse(settings);
    const said = error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n') ?? '';
    expect(said).toContain(words);
    expect(said).toMatch(new RegExp(`^${path}`, 'm'));
  });
});

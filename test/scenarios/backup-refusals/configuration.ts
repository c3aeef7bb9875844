import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyPair } from '../../activities/configuration/stage.ts';
import { temporaryFolder } from '../../support/folder.ts';
import type { Activities, Surgery } from '../../support/refusals.ts';
import type { Refusal, Wrong } from './refusal.ts';

const capture = (all: Activities): Promise<unknown> => all.captureConfiguration({ folder: 'sets/set-1' });

export const configuration: Refusal[] = [
  {
    what: 'a file of variables that is not there',
    code: 'CONFIGURATION_REFUSED',
    message: /configuration\.envFiles\[0\]: \/nowhere\/\.env is not there\. Correct the path, or take it out/,
    at: 'backup',
    step: 'configuration',
    wrong: () => ({ settings: { configuration: { envFiles: ['/nowhere/.env'] } } }),
  },
  {
    what: 'a key in the set that it opens',
    code: 'CONFIGURATION_REFUSED',
    message: /private key of the recipient age1.*Take it out of the file\. Keep it apart/,
    at: 'activity',
    act: capture,
    wrong: async (): Promise<Wrong> => {
      const { identity, recipient } = await keyPair();
      const file = join(temporaryFolder('app'), '.env');
      writeFileSync(file, `NAME=value\nBACKUP_KEY=${identity}\n`);
      return { settings: { configuration: { envFiles: [file], recipients: [recipient] } } };
    },
  },
  {
    what: 'the identity file among the files that are kept',
    code: 'CONFIGURATION_REFUSED',
    message: /is the identity file that opens the set, and would lie in it\. Keep it apart/,
    at: 'activity',
    act: capture,
    wrong: ({ scenario: { stack } }: Surgery): Wrong => {
      const { configuration: own } = JSON.parse(readFileSync(stack.env['RECOVERY_CONFIG'] ?? '', 'utf8')) as {
        configuration: { identityFile: string };
      };
      return { settings: { configuration: { files: [own.identityFile] } } };
    },
  },
  {
    what: 'a command that does not print the secret it stands for',
    code: 'CONFIGURATION_REFUSED',
    message:
      /configuration\.references\[0\] \(the key\): the command ended with exit code 3\. A recovery would not find/,
    at: 'activity',
    act: capture,
    wrong: () => ({
      settings: { configuration: { references: [{ name: 'the key', from: 'command', where: 'exit 3' }] } },
    }),
  },
  {
    what: 'a release in a folder without Git',
    code: 'CONFIGURATION_REFUSED',
    message: /configuration\.release\.git: .* is no working tree of Git/,
    at: 'activity',
    act: capture,
    wrong: () => ({ settings: { configuration: { release: { git: temporaryFolder('no-git') } } } }),
  },
];

import type { ProgramConfig, SshConfig } from '../../config/deploy.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Ended, type Environment, runProgram } from '../run-program.ts';
import type { Place, Running } from './place.ts';
import { lastWordsOf } from './redact.ts';
import { quote, remoteScript } from './supervise.ts';

/** The exit code that ssh keeps for its own failures; what is supervised never ends with it. */
const OWN_FAILURE = /code 255$/;
const REFUSED =
  /permission denied|host key verification failed|identification has changed|no .* host key is known|bad permissions|unprotected private key|no such identity|invalid format|not accessible|too many authentication failures/i;
const FILE_SECONDS = 60;

/** Another machine, by the system's `ssh`. The worker's own variables stay here. */
export function createSshPlace(ssh: SshConfig, environment: Environment): Place {
  const what = `${ssh.user}@${ssh.host}:${ssh.port}`;
  const run = async (program: ProgramConfig, { variables, signal, onOutput }: Running): Promise<Ended> => {
    // The shell of the login only has to find `sh`; all else goes over standard input.
    const ended = await runProgram('ssh', [...optionsOf(ssh), '--', ssh.host, 'exec sh'], {
      environment,
      timeoutMs: program.timeoutSeconds * 1000,
      input: remoteScript(program, variables),
      ...{ signal, onOutput },
    });
    if ('problem' in ended) throwOwnFailure(what, ended);
    return ended;
  };
  const onFile = async (file: string, words: string, signal: AbortSignal | undefined): Promise<string> => {
    const ended = await run({ run: ['sh', '-c', words], timeoutSeconds: FILE_SECONDS }, { variables: {}, signal });
    if ('stdout' in ended) return ended.stdout;
    const said = lastWordsOf(ended.stderr);
    throw new RecoveryError('DEPLOY_REFUSED', `${what}, stateFile ${file}: ${said === '' ? ended.problem : said}`);
  };
  return {
    what,
    run,
    read: (file, signal) => onFile(file, `[ ! -e ${quote(file)} ] || cat ${quote(file)}`, signal),
    write: async (file, text, signal) => {
      const beside = quote(`${file}.new`);
      await onFile(file, `umask 077 && printf %s ${quote(text)} >${beside} && mv -f ${beside} ${quote(file)}`, signal);
    },
  };
}

/** Nothing of the worker's own SSH settings counts, nothing is asked, and no other key is tried. */
function optionsOf({ port, user, keyFile, knownHostsFile, connectSeconds }: SshConfig): string[] {
  const settings = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: `"${knownHostsFile}"`,
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    ControlPath: 'none',
    ForwardAgent: 'no',
    ClearAllForwardings: 'yes',
    LogLevel: 'ERROR',
    ConnectTimeout: String(Math.ceil(connectSeconds)),
    // A server that is gone is noticed within a minute.
    ServerAliveInterval: '15',
    ServerAliveCountMax: '3',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return ['-F', 'none', '-T', ...options, '-i', keyFile, '-p', String(port), '-l', user];
}

/** @throws RecoveryError where ssh has not come to the program, or lost it */
function throwOwnFailure(what: string, { problem, stderr }: Extract<Ended, { problem: string }>): void {
  if (problem === 'cannot be started') throw new RecoveryError('DEPLOY_REFUSED', 'ssh cannot be started: install it');
  if (!OWN_FAILURE.test(problem)) return;
  const said = lastWordsOf(stderr);
  const code = REFUSED.test(said) ? 'DEPLOY_REFUSED' : 'DEPLOY_UNREACHABLE';
  throw new RecoveryError(code, `${what}: ${said === '' ? 'the connection was lost' : said}`);
}

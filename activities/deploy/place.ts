import { open, readFile, rename } from 'node:fs/promises';
import { types } from 'node:util';
import type { ProgramConfig } from '../../config/deploy.ts';
import { RecoveryError } from '../../domain/failures.ts';
import { type Ended, type Environment, runProgram } from '../run-program.ts';
import { SUPERVISE } from './supervise.ts';

export interface Running {
  readonly variables: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** A machine that commands run on. */
export interface Place {
  /** In words: `here`, or `deployer@10.0.0.2:22`. */
  readonly what: string;
  /**
   * Runs a program to its end. When this throws, or its time is up, it is ended with all that it has started in its group.
   * @throws RecoveryError DEPLOY_UNREACHABLE, DEPLOY_REFUSED where the place itself cannot be used
   */
  run(program: ProgramConfig, running: Running): Promise<Ended>;
  /** What the file holds; empty when there is none. @throws as `run` */
  read(file: string, signal?: AbortSignal): Promise<string>;
  /** Replaces the file as a whole. @throws as `run` */
  write(file: string, text: string, signal?: AbortSignal): Promise<void>;
}

/** The worker's own machine. */
export function createLocalPlace(environment: Environment): Place {
  return {
    what: 'here',
    run: ({ run, cwd, timeoutSeconds }, { variables, signal, onOutput }) =>
      runProgram('/bin/sh', ['-c', SUPERVISE, 'deploy', ...run], {
        environment: { ...environment, ...variables },
        timeoutMs: timeoutSeconds * 1000,
        ...{ cwd, signal, onOutput, input: '' },
      }),
    read: (file) =>
      readFile(file, 'utf8').catch((cause: unknown) => {
        if (codeOf(cause) === 'ENOENT') return '';
        throw unusable(file, cause);
      }),
    write: async (file, text) => {
      try {
        await replace(file, text);
      } catch (cause) {
        throw unusable(file, cause);
      }
    },
  };
}

async function replace(file: string, text: string): Promise<void> {
  const beside = await open(`${file}.new`, 'w', 0o600);
  try {
    await beside.writeFile(text);
    await beside.sync();
  } finally {
    await beside.close();
  }
  await rename(`${file}.new`, file);
}

function unusable(file: string, cause: unknown): RecoveryError {
  return new RecoveryError('DEPLOY_REFUSED', `stateFile ${file}: ${codeOf(cause)}`, { cause });
}

function codeOf(error: unknown): string {
  if (!types.isNativeError(error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

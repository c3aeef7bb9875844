import { readFile } from 'node:fs/promises';
import { Secret } from '../../config/secret.ts';
import type { ConfigurationPart } from '../../domain/set-parts.ts';
import { codeOf } from './refusal.ts';
import { type Run, runProgram } from '../run-program.ts';

type Reference = ConfigurationPart['references'][number];

/** A secret that is kept elsewhere, or why it cannot be had now. Neither quotes it. */
export type Fetched = { readonly secret: Secret } | { readonly problem: string };

/** Gets a secret from where it is kept. What commands print on their other stream is not looked at: it may hold secrets too. */
export async function fetchSecret({ from, where }: Pick<Reference, 'from' | 'where'>, run: Run): Promise<Fetched> {
  switch (from) {
    case 'environment':
      return held(run.environment[where], `the variable ${where} is not set on the worker`);
    case 'file':
      return readFile(where, 'utf8').then(
        (text) => held(text, `the file ${where} is empty`),
        (error: unknown) => ({ problem: `the file ${where} cannot be read (${codeOf(error)})` }),
      );
    case 'command': {
      const ended = await runProgram('/bin/sh', ['-c', where], run);
      return 'problem' in ended
        ? { problem: `the command ${ended.problem}` }
        : held(ended.stdout, 'the command prints nothing');
    }
  }
}

function held(text: string | undefined, otherwise: string): Fetched {
  return text === undefined || text.trim() === '' ? { problem: otherwise } : { secret: new Secret(text) };
}

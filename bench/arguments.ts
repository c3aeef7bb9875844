import { parseArgs } from 'node:util';

export interface Arguments {
  readonly only: string | undefined;
  readonly json: boolean;
  readonly scale: number;
  readonly help: boolean;
}

/** @throws Error in one sentence that names what is wrong */
export function readArguments(args: readonly string[], names: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      scale: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, json, help } = values;
  if (only !== undefined && !names.includes(only)) throw new Error(`--only: ${only} is not one of ${names.join(', ')}`);
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) throw new Error(`--scale: ${values.scale} is not above 0 and at most 1`);
  return { only, json, scale, help };
}

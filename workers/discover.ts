/** `npm run discover`: looks at a stack, reading only, and proposes a configuration for it. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadDiscoverySettings } from '../config/discovery.ts';
import { discoveryOf } from '../domain/discovery.ts';
import { renderPreset } from '../domain/discovery-proposal.ts';
import { isPreset, PRESETS } from '../domain/presets.ts';
import { lookAtStack, nodeMajor } from './look.ts';

const HELP = `npm run discover -- [options]

Looks at Qdrant (QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME), Postgres (DATABASE_URL) and the app (APP_URL), as far as the
variables name them, and proposes a configuration: which payload field is which, which table is which, how the app is asked. It
reads only. What it proposes carries a comment at every guess; correct it and save it as recovery.config.mjs.

  --dotenv FILE     read the variables from a file alone, such as the app's own .env
  --file FILE       a Dockerfile, compose file, render.yaml or railway.json of the app, for what it says and is not so; may be
                    repeated
  --out FILE        write the proposal there instead of printing it; a file that is there is not overwritten
  --preset NAME     print a beginning without looking at anything: ${Object.keys(PRESETS).join(', ')}
  --json            print what was guessed, with the hazards, as one object
  --help

Exit code: 0 when something was found, 1 when nothing answered or a file is in the way, 2 for wrong use.
`;
const WRONG_USE = 2;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = readArguments();
  if (!options) return WRONG_USE;
  if (options.help) return print(HELP);
  if (options.preset !== undefined) return printPreset(options.preset);
  const settings = loadDiscoverySettings(options.dotenv);
  const look = await lookAtStack({ ...settings, files: options.file });
  for (const why of look.leftOut) say(why);
  const { qdrant, ...around } = settings;
  const discovery = discoveryOf(look, {
    ...around,
    qdrantUrl: qdrant?.url,
    nodeMajor: nodeMajor(),
    declared: look.declared,
  });
  if (discovery.seen.length === 0) {
    say('Nothing was found. Name at least QDRANT_URL, in the environment or with --dotenv; see --help.');
    return 1;
  }
  const { guesses, hazards, proposal } = discovery;
  if (options.json) return print(`${JSON.stringify({ ...guesses, hazards })}\n`);
  return options.out === undefined ? print(proposal) : save(options.out, proposal);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        dotenv: { type: 'string' },
        file: { type: 'string', multiple: true },
        out: { type: 'string' },
        preset: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\nSee --help.`);
    return undefined;
  }
}

function printPreset(name: string): number {
  if (isPreset(name)) return print(renderPreset(name));
  say(`There is no preset ${name}. There are ${Object.keys(PRESETS).join(', ')}.`);
  return WRONG_USE;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function save(file: string, text: string): number {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch {
    say(`${file} cannot be written: it is there already, or its folder is not.`);
    return 1;
  }
  say(`Wrote ${file}. Check every line with a comment before a worker uses it.`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

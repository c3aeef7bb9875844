/** `npm run discover`: looks at a stack, reading only, and proposes a configuration for it. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { discoverApp } from '../activities/app/discover.ts';
import { discoverDatabase } from '../activities/postgres/discover.ts';
import { discoverCollection } from '../activities/qdrant/discover.ts';
import { type DiscoverySettings, loadDiscoverySettings } from '../config/discovery.ts';
import type { Found } from '../domain/discovered.ts';
import { guessApp } from '../domain/discovery-app.ts';
import { guessFields } from '../domain/discovery-fields.ts';
import { renderPreset, renderProposal } from '../domain/discovery-proposal.ts';
import { guessTables } from '../domain/discovery-tables.ts';
import { RecoveryError } from '../domain/failures.ts';
import { hazardsOf } from '../domain/hazards.ts';
import { isPreset, PRESETS } from '../domain/presets.ts';

const HELP = `npm run discover -- [options]

Looks at Qdrant (QDRANT_URL, QDRANT_API_KEY, QDRANT_COLLECTION_NAME), Postgres (DATABASE_URL) and the app (APP_URL), as far as the
variables name them, and proposes a configuration: which payload field is which, which table is which, how the app is asked. It
reads only. What it proposes carries a comment at every guess; correct it and save it as recovery.config.mjs.

  --dotenv FILE     read the variables from a file alone, such as the app's own .env
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
  const found = await look(settings);
  if (!found.qdrant && !found.postgres && !found.app) {
    say('Nothing was found. Name at least QDRANT_URL, in the environment or with --dotenv; see --help.');
    return 1;
  }
  const fields = found.qdrant ? guessFields(found.qdrant) : {};
  const tables = guessTables(found, fields);
  const app = found.app && guessApp(found.app);
  const [major = '0'] = process.versions.node.split('.');
  const hazards = hazardsOf(found, app, { ...settings, nodeMajor: Number(major) });
  if (options.json) return print(`${JSON.stringify({ fields, tables, app, hazards })}\n`);
  const text = renderProposal({ found, fields, tables, app, hazards });
  return options.out === undefined ? print(text) : save(options.out, text);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        dotenv: { type: 'string' },
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

/** Each part for itself: one that does not answer keeps nobody from the others. */
async function look({ qdrant, collection, postgresUrl, appUrl }: DiscoverySettings): Promise<Found> {
  const vectors = qdrant && (await orNothing('Qdrant', () => discoverCollection(qdrant, collection)));
  const ids = vectors?.sample.map(({ id }) => id) ?? [];
  return {
    qdrant: vectors,
    postgres: postgresUrl && (await orNothing('Postgres', () => discoverDatabase(postgresUrl, ids))),
    app: appUrl === undefined ? undefined : await orNothing('The app', () => discoverApp(appUrl)),
  };
}

async function orNothing<T>(what: string, looking: () => Promise<T>): Promise<T | undefined> {
  try {
    return await looking();
  } catch (error) {
    if (!(error instanceof RecoveryError)) throw error;
    say(`${what} is left out: ${error.message}`);
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

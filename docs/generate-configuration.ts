/**
 * Writes docs/configuration.md from what the code reads: `npx node docs/generate-configuration.ts`.
 * `test/docs/configuration.test.ts` fails when the page is not what this would write.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { knownSettings } from '../config/keys.ts';
import { appServerSchema } from '../config/app-servers.ts';
import { configSchema } from '../config/schema.ts';
import { CONFIG_FILE_VARIABLE, PATH_SETTINGS, variableOf, VARIABLES } from '../config/variables.ts';
import { table } from '../domain/format.ts';
import { APP_SERVER_MEANINGS } from './configuration-meanings-app-servers.ts';
import { MEANINGS as OWN_MEANINGS } from './configuration-meanings.ts';
import { INTRODUCTION, OTHER_VARIABLES } from './configuration-words.ts';

export const CONFIGURATION_PAGE = 'docs/configuration.md';

const HEAD = ['setting', 'variable', 'type', 'default', 'meaning'];
const MEANINGS: Readonly<Record<string, string>> = { ...OWN_MEANINGS, ...APP_SERVER_MEANINGS };
/** Settings of each entry of a list by name. */
const EACH = 'appServers.servers.*';

/** The part of a JSON Schema that the tables show. */
const shownSchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  get properties() {
    return z.record(z.string(), shownSchema).optional();
  },
});
type Shown = z.infer<typeof shownSchema>;

/** The page as it should be. @throws Error naming settings that nobody has described, or that are gone */
export function renderConfiguration(): string {
  const root = shownSchema.parse(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }));
  const known = knownSettings(configSchema);
  const settings = leavesOf(known);
  const each = leavesOf(knownSettings(appServerSchema)).map((path) => `${EACH}.${path}`);
  const all = [...settings, ...each];
  const undescribed = all.filter((path) => MEANINGS[path] === undefined);
  const gone = Object.keys(MEANINGS).filter((path) => !all.includes(path));
  if (undescribed.length + gone.length > 0) {
    throw new Error(
      `docs/configuration-meanings.ts: not described: ${undescribed.join(', ')}; no such setting: ${gone.join(', ')}`,
    );
  }
  const parts = [...new Set(settings.map((path) => (path.includes('.') ? path.slice(0, path.indexOf('.')) : '')))];
  return `${[
    INTRODUCTION,
    // Tables this wide are left as they are, so that the formatter and this script agree.
    '<!-- prettier-ignore-start -->',
    '## Environment variables',
    variableTable(),
    '## Settings',
    ...parts.flatMap((part) => section(part, settings, root)),
    ...eachSection(each),
    '<!-- prettier-ignore-end -->',
  ].join('\n\n')}\n`;
}

function leavesOf(known: readonly string[]): string[] {
  return known.filter((path) => !known.some((other) => other.startsWith(`${path}.`)));
}

/** Every server has these, under its own name. */
function eachSection(each: readonly string[]): string[] {
  const root = shownSchema.parse(z.toJSONSchema(appServerSchema, { io: 'input', unrepresentable: 'any' }));
  const inner = each.map((path) => path.slice(EACH.length + 1));
  const rows = inner.map((path) => row(`${EACH}.${path}`, schemaAt(root, path)));
  return [`### ${EACH.replace('*', '\\*')}`, table(HEAD, rows)];
}

function variableTable(): string {
  const rows = VARIABLES.map(({ names, setting, value, kind }) => [
    names.map((name) => `\`${name}\``).join(', '),
    `\`${setting}\``,
    value + (kind === 'path' ? ' (a relative path is meant from the current folder)' : ''),
  ]);
  const file = [
    `\`${CONFIG_FILE_VARIABLE}\``,
    '',
    'the path of the configuration file, when it is not `recovery.config.*` here',
  ];
  const others = OTHER_VARIABLES.map(([names, what]) => [names, '', what]);
  return table(['variable', 'setting', 'what to put there'], [...rows, file, ...others]);
}

function section(part: string, settings: readonly string[], root: Shown): string[] {
  const own = settings.filter((path) => (part === '' ? !path.includes('.') : path.startsWith(`${part}.`)));
  const rows = own.map((path) => row(path, schemaAt(root, path)));
  return [`### ${part === '' ? 'General' : part}`, table(HEAD, rows)];
}

function row(path: string, schema: Shown | undefined): string[] {
  const variable = variableOf(path)?.names[0];
  const given = variable === undefined ? '' : `\`${variable}\``;
  return [`\`${path}\``, given, typeOf(schema), defaultOf(schema), meaning(path)];
}

function meaning(path: string): string {
  const isPath = PATH_SETTINGS.some((name) => name === path);
  return (MEANINGS[path] ?? '') + (isPath ? ' A relative path is meant from the configuration file.' : '');
}

function schemaAt(root: Shown, path: string): Shown | undefined {
  return path.split('.').reduce<Shown | undefined>((at, key) => at?.properties?.[key], root);
}

function typeOf(schema: Shown | undefined): string {
  if (schema?.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  const from = schema?.minimum ?? schema?.exclusiveMinimum;
  const to = schema?.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema?.maximum;
  const least = from === undefined ? '' : schema?.minimum === undefined ? ` over ${from}` : ` from ${from}`;
  return `${schema?.type ?? 'any'}${least}${to === undefined ? '' : ` to ${to}`}`;
}

function defaultOf(schema: Shown | undefined): string {
  const value = schema?.default;
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(CONFIGURATION_PAGE, renderConfiguration());

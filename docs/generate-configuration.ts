/**
 * Writes docs/configuration.md from what the code reads: `npx node docs/generate-configuration.ts`.
 * `test/docs/configuration.test.ts` fails when the page is not what this would write.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { knownSettings } from '../config/keys.ts';
import { configSchema } from '../config/schema.ts';
import { CONFIG_FILE_VARIABLE, PATH_SETTINGS, variableOf, VARIABLES } from '../config/variables.ts';
import { table } from '../domain/format.ts';
import { MEANINGS } from './configuration-meanings.ts';
import { INTRODUCTION, OTHER_VARIABLES } from './configuration-words.ts';

export const CONFIGURATION_PAGE = 'docs/configuration.md';

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
  const settings = known.filter((path) => !known.some((other) => other.startsWith(`${path}.`)));
  const undescribed = settings.filter((path) => MEANINGS[path] === undefined);
  const gone = Object.keys(MEANINGS).filter((path) => !settings.includes(path));
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
    '<!-- prettier-ignore-end -->',
  ].join('\n\n')}\n`;
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
  const rows = own.map((path) => {
    const schema = schemaAt(root, path);
    const variable = variableOf(path)?.names[0];
    return [
      `\`${path}\``,
      variable === undefined ? '' : `\`${variable}\``,
      typeOf(schema),
      defaultOf(schema),
      meaning(path),
    ];
  });
  return [`### ${part === '' ? 'General' : part}`, table(['setting', 'variable', 'type', 'default', 'meaning'], rows)];
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

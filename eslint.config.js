import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Who may import whom: the layers of the house, each with its reason. A zone names what its files may import; the first
 * words of a message are the rule, the rest says why.
 */

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
/** A specifier that starts with `text`, or is `text` when that ends with `$`; or one that matches an expression. */
const starts = (text) => {
  if (text instanceof RegExp) return text.source;
  return text.endsWith('$') ? `${escaped(text.slice(0, -1))}$` : escaped(text);
};
const only = (allowed, message) => ({ regex: `^(?!${allowed.map(starts).join('|')})`, message });
const never = (regex, message) => ({ regex, message });
/** Types vanish before anything runs, so they tie nothing together. */
const typesOnly = (regex, message) => ({ regex, message, allowTypeImports: true });

const NO_TEST = never('(^|/)test/', 'Nothing imports test/: what ships must not depend on what proves it.');
const ENV_IMPORT = {
  name: 'node:process',
  importNames: ['env'],
  message: 'The environment is read in config/ only, so that every setting is checked, documented and redacted.',
};
const restrict = (...patterns) => ({
  '@typescript-eslint/no-restricted-imports': ['error', { paths: [ENV_IMPORT], patterns: [NO_TEST, ...patterns] }],
});

const DOMAIN = ['zod$', '@noble/hashes/', 'canonicalize$'];
const ACTIVITY_REASON =
  'activities/X imports domain, its own folder and the root files of activities: systems meet in ports and are joined in workers/. A vendor SDK belongs to the one adapter file named in eslint.config.js.';
const CONFIG_BY_TYPE = typesOnly(
  '/config/(?!secret\\.ts$)',
  'Activities are handed their settings: import types of config/, and from config/secret.ts only.',
);
const AT_TOP = [/\.\.\/[^/]+\.ts$/, '../../domain/', '../../config/'];
/** For a folder inside a system's folder. */
const ONE_DEEPER = [/(?:\.\.\/){1,2}[^/]+\.ts$/, '../../../domain/', '../../../config/'];
const activitiesFrom = (roots, ...more) =>
  restrict(
    only(['./', ...roots, '@temporalio/activity$', 'node:', ...DOMAIN, ...more], ACTIVITY_REASON),
    CONFIG_BY_TYPE,
  );
const activities = (...more) => activitiesFrom(AT_TOP, ...more);

const layers = [
  {
    files: ['domain/**/*.ts'],
    rules: restrict(
      only(
        ['./', ...DOMAIN],
        'domain/ is pure: it imports itself, zod, @noble/hashes and canonicalize, so that it runs in the workflow sandbox, in tests and in the CLI alike.',
      ),
    ),
  },
  {
    files: ['config/**/*.ts'],
    rules: restrict(
      only(
        ['./', '../domain/', 'node:', 'zod$', '@temporalio/envconfig$'],
        'config/ imports domain, zod and envconfig: everybody imports it, so it may know nobody.',
      ),
    ),
  },
  {
    files: ['workflows/**/*.ts'],
    rules: restrict(
      only(
        ['./', '../domain/', '../activities/', '@temporalio/workflow$', '@temporalio/common$', 'zod$'],
        'workflows/ imports domain and the workflow SDK: clients, settings and Node built-ins are not deterministic, or not there, in the sandbox.',
      ),
      typesOnly(
        '/activities/',
        'Workflows see activities by `import type` only: their code must not enter the workflow bundle.',
      ),
    ),
  },
  {
    files: ['activities/*.ts'],
    rules: restrict(
      only(
        ['../domain/', '@temporalio/activity$', 'node:', ...DOMAIN, /\.\/[^/]+\.ts$/],
        'The root files of activities/ are shared by all systems, so they know none of them.',
      ),
    ),
  },
  { files: ['activities/*/**/*.ts'], rules: activities() },
  { files: ['activities/*/*/**/*.ts'], rules: activitiesFrom(ONE_DEEPER) },
  { files: ['activities/qdrant/client.ts'], rules: activities('@qdrant/js-client-rest$', 'undici$') },
  { files: ['activities/qdrant/cold.ts'], rules: activities('tar-stream$') },
  { files: ['activities/postgres/client.ts'], rules: activities('pg$', 'pg-copy-streams$') },
  { files: ['activities/neon/client.ts'], rules: activities('@neondatabase/api-client$') },
  { files: ['activities/store/s3-client.ts'], rules: activities('@aws-sdk/client-s3$') },
  { files: ['activities/store/s3-upload.ts'], rules: activities('@aws-sdk/client-s3$', '@aws-sdk/lib-storage$') },
  { files: ['activities/store/age-header.ts'], rules: activities('age-encryption$') },
  { files: ['activities/configuration/age.ts'], rules: activities('age-encryption$') },
  { files: ['activities/deploy/docker-engine.ts'], rules: activities('dockerode$') },
  { files: ['activities/configuration/declared.ts'], rules: activities('yaml$') },
  { files: ['activities/content/ids.ts'], rules: activities('uuid$') },
  {
    files: ['client/**/*.ts'],
    rules: restrict(
      only(
        ['./', '../', 'node:', '@temporalio/client$', 'zod$', 'commander$', 'picocolors$', 'cli-table3$'],
        'client/ talks to Temporal only: SDKs of the stack stay with the worker.',
      ),
      never(
        '(^|/)(activities/(?!store/index\\.ts$)|workers/|sandbox/)|/workflows/(?!messages\\.ts$)',
        'client/ imports config, domain, workflows/messages.ts and activities/store/index.ts, since it reads the evidence store, whichever kind it is: it runs where no credentials of the stack are.',
      ),
    ),
  },
  {
    files: ['workers/**/*.ts'],
    rules: restrict(
      never('(^|/)(client|sandbox)/', 'workers/ is the composition root of production: no CLI, no sandbox.'),
    ),
  },
  {
    files: ['sandbox/**/*.ts'],
    rules: restrict(
      never(
        '(^|/)(workflows|activities)/',
        'sandbox/ is the stack that is broken and recovered: it must not share code with what recovers it.',
      ),
    ),
  },
  { files: ['bench/**/*.ts'], rules: restrict() },
];

const pureDomain = {
  files: ['domain/**/*.ts'],
  rules: {
    'no-restricted-globals': [
      'error',
      ...['process', 'Buffer', 'fetch', 'crypto', 'performance', 'console', 'setTimeout', 'setInterval'].map(
        (name) => ({
          name,
          message: 'domain/ is pure: it gets what it needs as arguments.',
        }),
      ),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'domain/ has no clock: take a Date as an argument.' },
      { object: 'Math', property: 'random', message: 'domain/ has no chance: take the value as an argument.' },
    ],
    'no-restricted-syntax': [
      'error',
      {
        selector: "NewExpression[callee.name='Date'][arguments.length=0]",
        message: 'domain/ has no clock: take a Date as an argument.',
      },
    ],
  },
};

const NO_ENV = {
  object: 'process',
  property: 'env',
  message: 'The environment is read in config/ only, so that every setting is checked, documented and redacted.',
};

export default tseslint.config(
  { ignores: ['node_modules/', '.sandbox/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [importX.createNodeResolver()],
    },
    rules: {
      eqeqeq: 'error',
      // Control characters are named to be taken out of what a terminal shows.
      'no-control-regex': 'off',
      // A forgotten await in a workflow is a step that nobody waits for.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Ports are objects of closures, handed around in pieces.
      '@typescript-eslint/unbound-method': 'off',
      // How a story ends early is no error, and must not be taken for one.
      '@typescript-eslint/only-throw-error': ['error', { allow: [{ from: 'file', name: 'Stop' }] }],
      // A function may be async to fulfil an interface.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-default-export': 'error',
      'max-lines': ['error', 250],
      'max-lines-per-function': ['error', 50],
      'no-restricted-properties': ['error', NO_ENV],
    },
  },
  ...layers,
  pureDomain,
  { files: ['config/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      // What `beforeAll` could not make is not there in `afterAll`, whatever its type says.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      'no-restricted-properties': 'off',
    },
  },
  { files: ['**/*.config.ts'], rules: { 'import-x/no-default-export': 'off' } },
);

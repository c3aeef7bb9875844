/** Tests run as CommonJS through swc, so packages that are ESM only go through it as well. */
const esmOnly = ['@noble/[a-z-]+', '@scure/base', 'age-encryption', 'canonicalize'];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // A process for each test file: Temporal's worker hooks into the promises of its whole process and never lets go, and what
  // a later file in it does with streams then fails inside those hooks.
  workerIdleMemoryLimit: '1MB',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testTimeout: 60_000,
  transform: {
    '^.+\\.(t|j|mj)s$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
        module: { type: 'commonjs' },
      },
    ],
  },
  // Its only export condition is 'import', which a CommonJS run does not ask for.
  moduleNameMapper: { '^canonicalize$': '<rootDir>/node_modules/canonicalize/lib/canonicalize.js' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  maxWorkers: 2,
};

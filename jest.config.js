/** Tests run as CommonJS through swc, so packages that are ESM only go through it as well. */
const esmOnly = ['@noble/[a-z-]+', '@scure/base', 'age-encryption', 'canonicalize'];

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Temporal's worker watches the promises of its whole process. Promises of a test file that is over, with their globals
  // cleaned away, would make it throw in the midst of the next file.
  testEnvironmentOptions: { globalsCleanup: 'off' },
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

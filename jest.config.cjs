// Nest 12 and a few others ship ES modules only; everything goes through swc to CommonJS (docs/adr/0003).
const swc = {
  swcrc: false,
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
    keepClassNames: true,
  },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
};
const esm = [
  '@nestjs',
  '@bufbuild',
  'fast-check',
  'pure-rand',
  'file-type',
  'load-esm',
  'uuid',
  'jose',
  'canonicalize',
  's3mini',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
];

const project = (name, extra = {}) => ({
  displayName: name,
  rootDir: __dirname,
  testEnvironment: 'node',
  setupFiles: ['reflect-metadata'],
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools'],
  modulePathIgnorePatterns: [
    '<rootDir>/(apps|libs)/[^/]+/dist/',
    '<rootDir>/.countersign',
    '<rootDir>/tools/bench/peers/',
  ],
  transform: { '\\.(ts|js|mjs)$': ['@swc/jest', swc] },
  transformIgnorePatterns: [`node_modules/(?!(${esm.join('|')})/)`],
  moduleNameMapper: {
    '^@countersign/([^/]+)$': '<rootDir>/libs/$1/src',
    '^@countersign/([^/]+)/test$': '<rootDir>/libs/$1/test',
  },
  ...extra,
});

module.exports = {
  // A slow machine is no failed test.
  testTimeout: 30_000,
  projects: [
    project('unit', { testMatch: ['**/*.unit.spec.ts'] }),
    project('int', {
      testMatch: ['**/*.int.spec.ts'],
      setupFiles: ['reflect-metadata', '<rootDir>/tools/test/servers-of-worker.cjs'],
    }),
    project('e2e', { testMatch: ['**/*.e2e.spec.ts'] }),
  ],
};

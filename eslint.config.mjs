import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/**
 * What may import what. Apps never import apps; `contracts` and `workflow` import nothing of ours, so
 * the words of the domain and its rules can be read, tested and versioned without any machinery.
 */
const boundaries = [
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:pure', 'type:infrastructure'] },
  { sourceTag: 'type:infrastructure', onlyDependOnLibsWithTags: ['type:pure', 'type:infrastructure'] },
  { sourceTag: 'type:pure', onlyDependOnLibsWithTags: [] },
];

const coreImports = ['@nestjs/*', 'typeorm', 'bullmq', 'ioredis', 'pg'].map((group) => ({
  group: [group],
  message: 'The core is pure: time, ids and approvers arrive as data.',
}));

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '.countersign*/**', '.nx/**'] },
  ...tseslint.configs.recommended,
  prettier,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: false, allow: [], depConstraints: boundaries },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
    },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  },
  {
    files: ['libs/workflow/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: coreImports }] },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        fetch: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        Buffer: 'readonly',
        AbortSignal: 'readonly',
      },
    },
  },
);

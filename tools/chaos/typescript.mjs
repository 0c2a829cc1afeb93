// @ts-check
import { createRequire } from 'node:module';
import { transformFileSync } from '@swc/core';

/**
 * Lets this process load the TypeScript of the project's tools, and gives the function that does: what is run here is
 * what the end-to-end tests run, and those are compiled as they are loaded, too.
 *
 * @param {string} from the module that asks, as a URL
 * @returns {NodeJS.Require}
 */
export function requireTypeScript(from) {
  const require = createRequire(from);
  require.extensions['.ts'] = (module, file) => {
    const { code } = transformFileSync(file, {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      sourceMaps: 'inline',
    });
    /** @type {NodeModule & { _compile(code: string, file: string): void }} */ (module)._compile(code, file);
  };
  return require;
}

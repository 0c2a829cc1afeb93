// @ts-check
import { readFileSync } from 'node:fs';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseDocument } from 'yaml';
import { UsageError } from './usage-error.mjs';

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
addFormats.default(ajv);

/**
 * A validator by a schema that lies beside this file.
 *
 * @param {string} file
 */
export function schemaAt(file) {
  return ajv.compile(JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')));
}

/** @param {string} file */
export function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new UsageError(
      `${file}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
    );
  }
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {unknown}
 * @throws UsageError with the line of each mistake
 */
export function readYaml(file, text) {
  const document = parseDocument(text, { version: '1.2', schema: 'core', merge: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw new UsageError(faults.map((fault) => `${file}: ${firstLine(fault)}`).join('\n'));
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`${file}: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {Error} fault */
const firstLine = ({ message }) => (message.split('\n')[0] ?? message).replace(/:$/, '');

/**
 * Every mistake as one line: `place` says where an error's path leads to.
 *
 * @param {import('ajv').ValidateFunction} validate
 * @param {unknown} value
 * @param {(path: string[]) => string} place
 * @returns {string[]}
 */
export function mistakesIn(validate, value, place) {
  if (validate(value)) return [];
  const mistakes = (validate.errors ?? [])
    // These two only say that something below them is wrong.
    .filter(({ keyword }) => keyword !== 'if' && keyword !== 'propertyNames')
    .map((error) => {
      const [at, message] = sentence(error);
      return `${place(at)}: ${message}`;
    });
  return [...new Set(mistakes)];
}

/** @param {import('ajv').ErrorObject} error @returns {[string[], string]} */
function sentence({ instancePath, keyword, params, message, propertyName }) {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  switch (keyword) {
    case 'required':
      return [[...path, params.missingProperty], 'is missing'];
    case 'additionalProperties':
      return [[...path, params.additionalProperty], 'is not known here'];
    case 'enum':
      return [path, `must be one of ${params.allowedValues.join(', ')}`];
    case 'minProperties':
      return [path, 'must not be empty'];
    default:
      return [propertyName === undefined ? path : [...path, propertyName], String(message)];
  }
}

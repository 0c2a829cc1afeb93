import 'reflect-metadata';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { targetConstructorToSchema, validationMetadatasToSchemas } from 'class-validator-jsonschema';

/** What is wrong with a value, in words; null when it fits. */
export type ContractCheck = (value: unknown) => string | null;

interface ObjectSchema {
  properties?: Record<string, object>;
  required?: string[];
}

const definitions = 'contracts#/$defs/';

/** `@IsOptional` lets null pass as well as absence; JSON Schema knows only the latter. */
const allowNull = (schema: ObjectSchema): ObjectSchema => ({
  ...schema,
  properties: Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [
      name,
      schema.required?.includes(name) ? property : { anyOf: [property, { type: 'null' }] },
    ]),
  ),
});

const options = () => ({
  classValidatorMetadataStorage: getMetadataStorage(),
  classTransformerMetadataStorage: defaultMetadataStorage,
  refPointerPrefix: definitions,
  additionalConverters: {
    isIso8601: { type: 'string' as const, format: 'date-time' },
    isUuid: { type: 'string' as const, pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' },
  },
});

/** JSON Schema of every class with decorators, by its name. */
const contractSchemas = (): Record<string, ObjectSchema> => {
  const schemas = validationMetadatasToSchemas(options()) as Record<string, ObjectSchema>;
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, allowNull(schema)]));
};

let shared: Ajv | undefined;

/** Made when first needed: by then all contracts have been declared. */
const compiler = (): Ajv => {
  if (shared) return shared;
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv, ['date-time']);
  ajv.addSchema({ $id: 'contracts', $defs: contractSchemas() });
  return (shared = ajv);
};

const describe = (errors: ErrorObject[] | null | undefined): string =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath || 'it'} ${message}`).join('; ') ||
  'it does not fit';

/**
 * Compiles a contract class to a check. The decorators stay the one description of a contract; walking them for every
 * message cost a fifth of each process's time.
 */
export const compileContract = (type: new () => object): ContractCheck => {
  const validate: ValidateFunction = compiler().compile(
    allowNull(targetConstructorToSchema(type, options()) as ObjectSchema),
  );
  return (value) => (validate(value) ? null : describe(validate.errors));
};

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Violation } from '@countersign/contracts';
import { Problem, type Call } from '@countersign/service-kit';
import { parseDefinition, type DefinitionSource, type ParsedDefinition } from '@countersign/workflow';
import { OneAtATime } from './one-at-a-time';

const yamlTypes = ['application/yaml', 'application/x-yaml', 'text/yaml'];

/** Keys that are path segments of their own below /v1/workflows. */
const reservedKeys = ['lint', 'export', 'import'];

/** A definition as body, for the OpenAPI document. */
export const definitionBody = {
  mediaTypes: {
    'application/yaml': { type: 'string' },
    'application/json': { $ref: '/v1/schemas/workflow.json' },
  },
};

/** The definition that a call brings, as YAML or JSON. */
export const definitionOf = async (call: Call): Promise<DefinitionSource> =>
  yamlTypes.includes(call.mediaType())
    ? { text: await call.text(), mediaType: 'application/yaml' }
    : { json: (await call.json()) ?? {} };

/** Reads and checks a definition: as `parseDefinition`, and its key must be one that the API can name. */
export const readDefinition = (source: DefinitionSource): ParsedDefinition => {
  const parsed = parseDefinition(source);
  if (!parsed.ok || !reservedKeys.includes(parsed.definition.key)) return parsed;
  const message = `${parsed.definition.key} is reserved: choose another key.`;
  return { ok: false, errors: [{ pointer: '/key', message }] };
};

const turns = new OneAtATime();

/**
 * As `readDefinition`, one definition after the other: a hundred large ones at once would otherwise keep everybody else
 * waiting for all of them.
 */
export const readDefinitionInTurn = (source: DefinitionSource): Promise<ParsedDefinition> =>
  turns.run(async () => {
    await nextTurn();
    return readDefinition(source);
  });

export const invalidDefinition = (errors: Violation[]): Problem =>
  new Problem(
    'definition_invalid',
    `The definition has ${errors.length} error${errors.length === 1 ? '' : 's'}.`,
    { errors },
  );

/** What several places of the definition's JSON Schema share. */

export const ref = { type: 'string', minLength: 1, maxLength: 256 };

export const payloadPath = {
  type: 'string',
  maxLength: 256,
  pattern: '^payload(\\.[A-Za-z_][A-Za-z0-9_-]*)+$',
  not: { pattern: '\\.__proto__(\\.|$)' },
  'x-expected': 'Must be a path below payload, such as payload.approverGroup.',
};

export const refOrField = {
  if: { type: 'object' },
  then: {
    type: 'object',
    required: ['field'],
    additionalProperties: false,
    properties: {
      field: { ...payloadPath, description: 'A path below payload that holds one ref or a list of refs.' },
    },
  },
  else: { ...ref, 'x-expected': 'Must be a ref (a text of 1 to 256 characters) or {field: payload.…}.' },
};

/** How long is checked by the parser: JSON Schema has no form for it. */
export function duration(description: string, example: string) {
  return { type: 'string', maxLength: 32, description: `ISO 8601, such as ${example}. ${description}` };
}

export function cel(description: string) {
  return { type: 'string', minLength: 1, maxLength: 2000, description: `CEL. ${description}` };
}

/** One of these words, or an object like this, with an error for the branch the author meant. */
export function wordOrObject(words: string[], object: Record<string, unknown>) {
  return { if: { type: 'object' }, then: object, else: { enum: words } };
}

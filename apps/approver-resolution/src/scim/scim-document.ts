/** How SCIM bodies are described in the OpenAPI document; their schemas are at /scim/v2/Schemas. */
const mediaType = 'application/scim+json';
const resource = {
  type: 'object',
  required: ['schemas'],
  properties: { schemas: { type: 'array', items: { type: 'string' } }, id: { type: 'string' } },
};

export const resourceBody = { mediaTypes: { [mediaType]: resource, 'application/json': resource } };

const bodyOf = (schema: Record<string, unknown>) => ({
  mediaTypes: { [mediaType]: schema, 'application/json': schema },
});
const names = { type: 'array', items: { type: 'string' } };

/** RFC 7644 §3.5.2. */
export const patchBody = bodyOf({
  type: 'object',
  required: ['schemas', 'Operations'],
  properties: {
    schemas: names,
    Operations: {
      type: 'array',
      minItems: 1,
      maxItems: 10_000,
      items: {
        type: 'object',
        required: ['op'],
        properties: {
          op: { type: 'string', description: 'add, remove or replace, in any case' },
          path: { type: 'string', description: 'attribute, attribute[filter] or attribute[filter].sub' },
          value: {},
        },
      },
    },
  },
});

/** RFC 7644 §3.4.3. */
export const searchBody = bodyOf({
  type: 'object',
  required: ['schemas'],
  properties: {
    schemas: names,
    attributes: names,
    excludedAttributes: names,
    filter: { type: 'string' },
    sortBy: { type: 'string' },
    sortOrder: { type: 'string', enum: ['ascending', 'descending'] },
    startIndex: { type: 'integer' },
    count: { type: 'integer' },
  },
});

/** RFC 7644 §3.7. */
export const bulkBody = bodyOf({
  type: 'object',
  required: ['schemas', 'Operations'],
  properties: {
    schemas: names,
    failOnErrors: { type: 'integer' },
    Operations: {
      type: 'array',
      items: {
        type: 'object',
        required: ['method', 'path'],
        properties: {
          method: { type: 'string', enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
          bulkId: { type: 'string' },
          version: { type: 'string' },
          path: { type: 'string' },
          data: {},
        },
      },
    },
  },
});

export const bulkDocument = {
  description: 'What became of each operation',
  mediaType,
  schema: {
    type: 'object',
    required: ['schemas', 'Operations'],
    properties: {
      schemas: names,
      Operations: {
        type: 'array',
        items: {
          type: 'object',
          required: ['method', 'status'],
          properties: {
            method: { type: 'string' },
            bulkId: { type: 'string' },
            location: { type: 'string' },
            version: { type: 'string' },
            status: { type: 'string' },
            response: { type: 'object' },
          },
        },
      },
    },
  },
};

export const resourceDocument = (description: string) => ({ description, mediaType, schema: resource });

export const listDocument = (description: string) => ({
  description,
  mediaType,
  schema: {
    type: 'object',
    required: ['schemas', 'totalResults', 'startIndex', 'itemsPerPage', 'Resources'],
    properties: {
      schemas: { type: 'array', items: { type: 'string' } },
      totalResults: { type: 'integer' },
      startIndex: { type: 'integer' },
      itemsPerPage: { type: 'integer' },
      Resources: { type: 'array', items: resource },
    },
  },
});

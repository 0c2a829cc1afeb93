/** How SCIM bodies are described in the OpenAPI document; their schemas are at /scim/v2/Schemas. */
const mediaType = 'application/scim+json';
const resource = {
  type: 'object',
  required: ['schemas'],
  properties: { schemas: { type: 'array', items: { type: 'string' } }, id: { type: 'string' } },
};

export const resourceBody = { mediaTypes: { [mediaType]: resource, 'application/json': resource } };

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

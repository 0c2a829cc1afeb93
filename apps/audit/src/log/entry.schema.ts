export const entrySchema = {
  type: 'object',
  required: ['index', 'id', 'type', 'at', 'requestId', 'requestVersion', 'content', 'sealed', 'leafHash'],
  properties: {
    index: { type: 'integer', minimum: 0 },
    id: { type: 'string', format: 'uuid' },
    type: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    requestId: { type: ['string', 'null'], format: 'uuid' },
    requestVersion: { type: ['integer', 'null'] },
    content: { type: 'object' },
    sealed: {
      type: 'array',
      items: {
        type: 'object',
        required: ['subject', 'kind', 'salt', 'data', 'commitment'],
        properties: {
          subject: { type: 'string', format: 'uuid' },
          kind: { type: 'string' },
          salt: { type: ['string', 'null'] },
          data: {},
          commitment: { type: 'string' },
        },
      },
    },
    leafHash: { type: 'string' },
  },
};

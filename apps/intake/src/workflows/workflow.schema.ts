const text = { type: 'string' };
const time = { type: ['string', 'null'], format: 'date-time' };

export const workflowVersionSchema = {
  type: 'object',
  required: [
    'id',
    'key',
    'version',
    'state',
    'title',
    'definition',
    'text',
    'mediaType',
    'createdAt',
    'createdBy',
    'publishedAt',
    'publishedBy',
    'note',
    'publications',
  ],
  properties: {
    id: { type: 'string', format: 'uuid' },
    key: text,
    version: { type: 'integer' },
    state: { type: 'string', enum: ['draft', 'published', 'retired'] },
    title: text,
    definition: { type: 'object', description: 'The definition as data' },
    text: { type: 'string', description: 'The definition exactly as its author gave it' },
    mediaType: text,
    createdAt: { type: 'string', format: 'date-time' },
    createdBy: { type: 'object' },
    publishedAt: time,
    publishedBy: { type: ['object', 'null'] },
    note: { type: ['string', 'null'] },
    publications: {
      type: 'array',
      description: 'Every time that it was published, oldest first; the members above are of the last one',
      items: {
        type: 'object',
        required: ['publishedAt', 'publishedBy', 'note'],
        properties: {
          publishedAt: { type: 'string', format: 'date-time' },
          publishedBy: { type: 'object' },
          note: { type: ['string', 'null'] },
        },
      },
    },
  },
};

export const workflowSchema = {
  type: 'object',
  required: ['id', 'key', 'title', 'publishedVersion', 'newestVersion'],
  properties: {
    id: { type: 'string', format: 'uuid' },
    key: text,
    title: text,
    publishedVersion: { type: ['integer', 'null'] },
    newestVersion: { type: 'integer' },
  },
};

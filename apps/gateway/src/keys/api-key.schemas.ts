import { scopes } from '@countersign/contracts';

const members = {
  id: { type: 'string', format: 'uuid' },
  name: { type: 'string' },
  scopes: { type: 'array', items: { type: 'string', enum: [...scopes] } },
  workflows: {
    type: ['array', 'null'],
    items: { type: 'string' },
    description: 'Keys of the workflows that it may be used with; null: all.',
  },
  expiresAt: { type: ['string', 'null'], format: 'date-time' },
  createdAt: { type: 'string', format: 'date-time' },
  revokedAt: { type: ['string', 'null'], format: 'date-time' },
  version: { type: 'integer' },
};

/** An API key as the API shows it: never the key itself, never its hash. */
export const apiKeySchema = { type: 'object', required: Object.keys(members), properties: members };

/** The same with the key, as it is shown once. */
export const createdApiKeySchema = {
  type: 'object',
  required: [...Object.keys(members), 'key'],
  properties: { ...members, key: { type: 'string', pattern: '^cs_(live|test)_[A-Za-z0-9_-]{43}$' } },
};

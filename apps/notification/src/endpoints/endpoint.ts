export const endpointFormats = ['standard', 'easylife'] as const;
export type EndpointFormat = (typeof endpointFormats)[number];

/** A row of `endpoint`, without its secrets. */
export interface EndpointRow extends Record<string, unknown> {
  id: string;
  url: string;
  events: string[];
  format: EndpointFormat;
  workflows: string[] | null;
  description: string | null;
  signing: string;
  ordering: string;
  state: 'enabled' | 'disabled';
  disabled_reason: string | null;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** An endpoint as the API shows it. */
export const endpointView = (row: EndpointRow) => ({
  id: row.id,
  url: row.url,
  events: row.events,
  format: row.format,
  workflows: row.workflows,
  description: row.description,
  signing: row.signing,
  ordering: row.ordering,
  state: row.state,
  disabledReason: row.disabled_reason,
  version: row.version,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});
export type EndpointView = ReturnType<typeof endpointView>;

const textOrNull = { type: ['string', 'null'] };

/** JSON Schema of the view, for the OpenAPI document. */
export const endpointSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    url: { type: 'string', format: 'uri' },
    events: { type: 'array', items: { type: 'string' } },
    format: { type: 'string', enum: [...endpointFormats] },
    workflows: {
      type: ['array', 'null'],
      items: { type: 'string' },
      description: 'Keys of workflows; null for all.',
    },
    description: textOrNull,
    signing: { type: 'string' },
    ordering: { type: 'string' },
    state: { type: 'string', enum: ['enabled', 'disabled'] },
    disabledReason: textOrNull,
    version: { type: 'integer' },
    createdAt: { type: 'string', format: 'date-time' },
    updatedAt: { type: 'string', format: 'date-time' },
  },
};

export const endpointWithSecretSchema = {
  ...endpointSchema,
  properties: {
    ...endpointSchema.properties,
    secret: { type: 'string', description: '`whsec_…`, shown only now.' },
  },
};

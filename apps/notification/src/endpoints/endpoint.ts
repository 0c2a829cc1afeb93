export const endpointFormats = ['standard', 'easylife'] as const;
export type EndpointFormat = (typeof endpointFormats)[number];

export const signings = ['hmac', 'ed25519'] as const;
export type Signing = (typeof signings)[number];

export const orderings = ['none', 'per-request'] as const;
export type Ordering = (typeof orderings)[number];

/** A row of `endpoint`, without its secrets. */
export interface EndpointRow extends Record<string, unknown> {
  id: string;
  url: string;
  events: string[];
  format: EndpointFormat;
  workflows: string[] | null;
  description: string | null;
  signing: Signing;
  /** `whpk_…` of an endpoint that is signed for by Ed25519. */
  public_key: string | null;
  /** Those before rotations, oldest first, while they still sign. */
  former_public_keys: string[];
  ordering: Ordering;
  state: 'enabled' | 'disabled';
  disabled_reason: string | null;
  /** When the first of the attempts was made that have all failed; null when the last one succeeded. */
  failing_since: Date | null;
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
  publicKey: row.public_key,
  formerPublicKeys: row.former_public_keys,
  ordering: row.ordering,
  state: row.state,
  disabledReason: row.disabled_reason,
  failingSince: row.failing_since?.toISOString() ?? null,
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
    signing: { type: 'string', enum: [...signings] },
    publicKey: { ...textOrNull, description: '`whpk_…`, when signing is `ed25519`.' },
    formerPublicKeys: {
      type: 'array',
      items: { type: 'string' },
      description: 'The keys before rotations, oldest first, while they still sign.',
    },
    ordering: { type: 'string', enum: [...orderings] },
    state: { type: 'string', enum: ['enabled', 'disabled'] },
    disabledReason: textOrNull,
    failingSince: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'When the first of the attempts was made that have all failed since.',
    },
    version: { type: 'integer' },
    createdAt: { type: 'string', format: 'date-time' },
    updatedAt: { type: 'string', format: 'date-time' },
  },
};

export const endpointWithSecretSchema = {
  ...endpointSchema,
  properties: {
    ...endpointSchema.properties,
    secret: {
      type: 'string',
      description:
        '`whsec_…`, shown only now; absent when signing is `ed25519`, whose private key stays here.',
    },
  },
};

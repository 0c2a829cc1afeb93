import { workspacePatterns } from './channel-events';

export const chatFormats = ['slack', 'teams'] as const;
export type ChatFormat = (typeof chatFormats)[number];

/** A row of `chat_channel`, without its URL, which is a secret. */
export interface ChatChannelRow extends Record<string, unknown> {
  id: string;
  name: string;
  format: ChatFormat;
  masked_url: string;
  user_id: string | null;
  group_name: string | null;
  workflows: string[] | null;
  events: string[];
  state: 'enabled' | 'disabled';
  disabled_reason: string | null;
  last_failed_at: Date | null;
  last_error: string | null;
  version: number;
  created_at: Date;
}

export const chatChannelView = (row: ChatChannelRow) => ({
  id: row.id,
  name: row.name,
  format: row.format,
  url: row.masked_url,
  user: row.user_id,
  group: row.group_name,
  workflows: row.workflows,
  events: row.events,
  state: row.state,
  disabledReason: row.disabled_reason,
  lastFailure: row.last_failed_at && { at: row.last_failed_at.toISOString(), error: row.last_error },
  version: row.version,
  createdAt: row.created_at.toISOString(),
});

/** What of a webhook's URL may be shown: where it leads, and its last characters to tell it from others. */
export const maskedUrl = (url: string): string =>
  `${new URL(url).origin}/…${url.length > 40 ? url.slice(-4) : ''}`;

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };

/** JSON Schema of the view, for the OpenAPI document. */
export const chatChannelSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', format: 'uuid' },
    name: text,
    format: { type: 'string', enum: [...chatFormats] },
    url: { ...text, description: 'Masked: whoever has it can post to the channel.' },
    user: { ...textOrNull, description: 'Id of the person whose channel it is; null for none.' },
    group: {
      ...textOrNull,
      description:
        'Display name of the group whose channel it is, as it was when the channel was made; null for none.',
    },
    workflows: { type: ['array', 'null'], items: text, description: 'Keys of workflows; null for all.' },
    events: {
      type: 'array',
      items: { ...text, enum: workspacePatterns },
      description: 'What it is told, unless it is a person’s, whose preferences say.',
    },
    state: { type: 'string', enum: ['enabled', 'disabled'] },
    disabledReason: textOrNull,
    lastFailure: {
      type: ['object', 'null'],
      description: 'The newest attempt that failed; null for none.',
      required: ['at', 'error'],
      properties: { at: { ...text, format: 'date-time' }, error: textOrNull },
    },
    version: { type: 'integer' },
    createdAt: { type: 'string', format: 'date-time' },
  },
};

import { languages, type Language } from '@countersign/reader';

/** What people are told about their workspace, and how. */
export interface WorkspaceSettings {
  /** As the workspace was named when it was made. */
  name: string;
  /** Of whom the directory says none. */
  language: Language;
  /** The same, an IANA name. */
  timezone: string;
  /** Whether messages have links to decide with. */
  decisionLinks: boolean;
  /** How many days such a link is good for. */
  decisionLinkDays: number;
  version: number;
}

/** The same, with what is not shown. */
export interface StoredSettings extends WorkspaceSettings {
  /** Whether somebody has chosen the language. */
  isLanguageSaid: boolean;
  /** When links were switched on again, which leaves those that were out ended; null while they never were off. */
  linksSince: Date | null;
}

/** Until somebody says otherwise; at version 0 nobody has. */
export const defaultSettings: Omit<StoredSettings, 'name'> = {
  language: 'en',
  timezone: 'UTC',
  decisionLinks: true,
  decisionLinkDays: 7,
  version: 0,
  isLanguageSaid: false,
  linksSince: null,
};

/** As it is shown and told. */
export const settingsView = ({
  isLanguageSaid: _said,
  linksSince: _since,
  ...settings
}: StoredSettings): WorkspaceSettings => settings;

/** JSON Schema, for the OpenAPI document. */
export const workspaceSettingsSchema = {
  type: 'object',
  required: ['name', 'language', 'timezone', 'decisionLinks', 'decisionLinkDays', 'version'],
  properties: {
    name: { type: 'string' },
    language: {
      type: 'string',
      enum: [...languages],
      description: 'Of messages to people whose `preferredLanguage` and `locale` say no language of ours.',
    },
    timezone: { type: 'string', description: 'IANA name, for people without a `timezone` of their own.' },
    decisionLinks: {
      type: 'boolean',
      description:
        'Whether messages have links to decide with. Switching it off ends those that are out, for good.',
    },
    decisionLinkDays: { type: 'integer', minimum: 1, maximum: 30 },
    version: { type: 'integer' },
  },
};

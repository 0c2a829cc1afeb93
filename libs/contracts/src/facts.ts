import type { Scope } from './states';

/** What became of telling somebody. `exhausted`: every attempt has failed. */
export type DeliveryOutcome = 'succeeded' | 'exhausted' | 'skipped';
/** `captured`: kept to be looked at, where there is no mail server; `gathered`: told by a digest. */
export type MailOutcome = 'sent' | 'exhausted' | 'captured' | 'skipped' | 'gathered';
export type ChatOutcome = 'sent' | 'exhausted' | 'skipped';

/**
 * What happens apart from the transitions of a request, by type, with what of it stands in the log for ever: ids, states, codes,
 * numbers and hashes. Names, addresses and what was written freely go beside, as words that can be erased.
 */
export interface FactContents {
  'workspace.created': { workspaceId: string; kind: 'live' | 'sandbox' };
  'api_key.created': {
    apiKeyId: string;
    scopes: readonly Scope[];
    /** Keys of workflows; null for all. */
    workflows: readonly string[] | null;
    expiresAt: string | null;
    /** It is the one of COUNTERSIGN_ADMIN_KEY. */
    root: boolean;
  };
  'api_key.revoked': { apiKeyId: string; root: boolean };

  'workflow.version_added': WorkflowVersion & { origin: 'call' | 'import' | 'replacement' };
  'workflow.published': WorkflowVersion;
  'workspace_settings.changed': { changed: readonly string[]; version: number };

  /** One of these a call, a bulk too; several where one would be too long. */
  'directory.changed': {
    operation: 'create' | 'replace' | 'patch' | 'delete' | 'bulk';
    /** From 1. All parts have the same counts and version. */
    part: number;
    parts: number;
    /** In the order of what was done: a resource may come again, of a bulk or for more of its members. */
    resources: readonly ChangedResource[];
    counts: {
      /** Changes of resources, those of all parts and those that no part names. */
      resources: number;
      unnamed: number;
      /** People who were written, for whom a group or a manager has changed, and who are gone. */
      changed: number;
      affected: number;
      deleted: number;
    };
    /** Of the directory, as of this change. */
    directoryVersion: number;
  };
  'directory.replaced': {
    from: string;
    to: string;
    /** Tasks that are passed on, each by a transition of its own, and those that stay. */
    passedOn: number;
    left: number;
    drafts: readonly { key: string; version: number }[];
  };
  'delegation.created': Delegated;
  'delegation.ended': Delegated;
  'resolver_secret.rotated': { secretId: string };

  'webhook_endpoint.created': {
    endpointId: string;
    format: string;
    signing: string;
    ordering: string;
    workflows: readonly string[] | null;
    version: number;
  };
  'webhook_endpoint.changed': { endpointId: string; changed: readonly string[]; version: number };
  'webhook_endpoint.deleted': { endpointId: string; version: number };
  'webhook_endpoint.secret_rotated': { endpointId: string; version: number };
  'webhook_endpoint.enabled': { endpointId: string; version: number };
  'webhook_endpoint.tested': { endpointId: string; deliveryId: string };
  'webhook_endpoint.replayed': {
    endpointId: string;
    replayed: number;
    since: string;
    until: string | null;
    state: string | null;
  };
  'delivery.replayed': { deliveryId: string; endpointId: string; eventId: string };
  'chat_channel.created': {
    channelId: string;
    format: string;
    of: 'workspace' | 'group' | 'person';
    userId: string | null;
    groupId: string | null;
    workflows: readonly string[] | null;
  };
  'chat_channel.changed': { channelId: string; changed: readonly string[]; version: number };
  'chat_channel.tested': { channelId: string; messageId: string };
  'chat_channel.enabled': { channelId: string; version: number };
  'chat_channel.deleted': { channelId: string };
  'notification_preferences.changed': { userId: string; questions: string; news: string; version: number };

  'delivery.ended': {
    deliveryId: string;
    eventId: string;
    endpointId: string;
    state: DeliveryOutcome;
    attempts: number;
    /** The last answer's; null when there was none. */
    status: number | null;
  };
  'mail.ended': {
    mailId: string;
    kind: 'question' | 'news' | 'digest' | 'notice';
    eventId: string;
    userId: string;
    taskId: string | null;
    digestId: string | null;
    state: MailOutcome;
    attempts: number;
  };
  'chat.ended': {
    messageId: string;
    eventId: string;
    channelId: string;
    userId: string | null;
    taskId: string | null;
    state: ChatOutcome;
    attempts: number;
  };
}

interface ChangedResource {
  type: 'User' | 'Group';
  id: string;
  did: 'created' | 'changed' | 'deleted';
  /** Names (RFC 7643 and our extension) of attributes that are others than before; `members` too. */
  attributes: readonly string[];
  /** Ids of the people and groups that joined and left a group. */
  added?: readonly string[];
  removed?: readonly string[];
}

interface WorkflowVersion {
  /** Its key: what a fact is about is in its content, and nowhere else. */
  workflow: string;
  workflowId: string;
  version: number;
  /** SHA-256, in hex, of the definition's text as its author gave it. */
  definitionHash: string;
}

interface Delegated {
  delegationId: string;
  from: string;
  to: string;
  startsAt: string;
  endsAt: string;
  workflows: readonly string[] | null;
}

export type FactType = keyof FactContents;

/** How the secret of the key that is used came: RFC 6750 or RFC 7617. */
export type AuthScheme = 'bearer' | 'basic';

/** Of a fact that somebody's call has brought about, beside its own content. */
export interface CallContent {
  /** W3C trace id. */
  traceId: string | null;
  scheme: AuthScheme | null;
}

import type { CallContent, FactContents, FactType } from '@countersign/contracts';
import { listOf, plain, record, type RulesFor } from './member-rules';

const plainList = listOf(plain);
const endpoint = { endpointId: plain, version: plain };
const workflowVersion = { workflow: plain, workflowId: plain, version: plain, definitionHash: plain };
const delegated = {
  delegationId: plain,
  from: plain,
  to: plain,
  startsAt: plain,
  endsAt: plain,
  workflows: plainList,
};

/**
 * How each member of each fact enters the log: a closed list, as for the events of requests. A type or a member that is missing
 * here does not compile, and at run time is sealed whole.
 */
export const factRules: { readonly [T in FactType]: RulesFor<FactContents[T]> } = {
  'workspace.created': { workspaceId: plain, kind: plain },
  'api_key.created': {
    apiKeyId: plain,
    scopes: plainList,
    workflows: plainList,
    expiresAt: plain,
    root: plain,
  },
  'api_key.revoked': { apiKeyId: plain, root: plain },
  'workflow.version_added': { ...workflowVersion, origin: plain },
  'workflow.published': workflowVersion,
  'workspace_settings.changed': { changed: plainList, version: plain },
  'directory.changed': {
    operation: plain,
    part: plain,
    parts: plain,
    resources: listOf(
      record<FactContents['directory.changed']['resources'][number]>({
        type: plain,
        id: plain,
        did: plain,
        attributes: plainList,
        added: plainList,
        removed: plainList,
      }),
    ),
    counts: record<FactContents['directory.changed']['counts']>({
      resources: plain,
      unnamed: plain,
      changed: plain,
      affected: plain,
      deleted: plain,
    }),
    directoryVersion: plain,
  },
  'directory.replaced': {
    from: plain,
    to: plain,
    passedOn: plain,
    left: plain,
    drafts: listOf(
      record<FactContents['directory.replaced']['drafts'][number]>({ key: plain, version: plain }),
    ),
  },
  'delegation.created': delegated,
  'delegation.ended': delegated,
  'resolver_secret.rotated': { secretId: plain },
  'webhook_endpoint.created': {
    ...endpoint,
    format: plain,
    signing: plain,
    ordering: plain,
    workflows: plainList,
  },
  'webhook_endpoint.changed': { ...endpoint, changed: plainList },
  'webhook_endpoint.deleted': endpoint,
  'webhook_endpoint.secret_rotated': endpoint,
  'webhook_endpoint.enabled': endpoint,
  'webhook_endpoint.tested': { endpointId: plain, deliveryId: plain },
  'webhook_endpoint.replayed': {
    endpointId: plain,
    replayed: plain,
    since: plain,
    until: plain,
    state: plain,
  },
  'delivery.replayed': { deliveryId: plain, endpointId: plain, eventId: plain },
  'chat_channel.created': {
    channelId: plain,
    format: plain,
    of: plain,
    userId: plain,
    groupId: plain,
    workflows: plainList,
  },
  'chat_channel.changed': { channelId: plain, changed: plainList, version: plain },
  'chat_channel.tested': { channelId: plain, messageId: plain },
  'chat_channel.enabled': { channelId: plain, version: plain },
  'chat_channel.deleted': { channelId: plain },
  'notification_preferences.changed': { userId: plain, questions: plain, news: plain, version: plain },
  'delivery.ended': {
    deliveryId: plain,
    eventId: plain,
    endpointId: plain,
    state: plain,
    attempts: plain,
    status: plain,
  },
  'mail.ended': {
    mailId: plain,
    kind: plain,
    eventId: plain,
    userId: plain,
    taskId: plain,
    digestId: plain,
    state: plain,
    attempts: plain,
  },
  'chat.ended': {
    messageId: plain,
    eventId: plain,
    channelId: plain,
    userId: plain,
    taskId: plain,
    state: plain,
    attempts: plain,
  },
};

/** What is said of the call that brought a fact about. */
export const callRules: RulesFor<CallContent> = { traceId: plain, scheme: plain };

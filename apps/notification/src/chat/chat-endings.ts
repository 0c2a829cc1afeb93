import type { Ending } from '../trail/record-endings';

/** A chat message that is over. */
export interface EndedChat extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  channel_id: string;
  event_id: string;
  /** Null of one that tries a channel. */
  request_id: string | null;
  task_id: string | null;
  person_id: string | null;
  state: 'sent' | 'failed' | 'skipped';
  tries: number;
}

/** Of a table named `e`. */
export const chatColumns =
  'e.id, e.workspace_id, e.channel_id, e.event_id, e.request_id, e.task_id, e.person_id, e.state, e.tries';

export const chatEndingOf = (chat: EndedChat): Ending => ({
  workspaceId: chat.workspace_id,
  fact: {
    type: 'chat.ended',
    requestId: chat.request_id,
    content: {
      messageId: chat.id,
      eventId: chat.event_id,
      channelId: chat.channel_id,
      userId: chat.person_id,
      taskId: chat.task_id,
      state: chat.state === 'failed' ? 'exhausted' : chat.state,
      attempts: chat.tries,
    },
  },
});

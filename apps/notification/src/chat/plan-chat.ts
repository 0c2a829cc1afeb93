import { matchesEvent, type RequestTransitioned, type TransitionEvent } from '@countersign/contracts';
import { readerOf } from '@countersign/reader';
import { v7 } from 'uuid';
import type { Audience, Channel } from '../audience/audience';
import type { Letter } from '../mail/letters';
import type { Happening, MailContent, PlacedTask } from '../mail/mail-content';
import type { KeptLink } from '../mail/plan-mail';
import { mailTexts } from '../mail/texts';
import { holdUntil } from '../preferences/hold-until';
import { preferencesFor } from '../preferences/preferences';
import { channelContent } from './channel-content';
import { slackMessage } from './slack-message';
import { teamsMessage } from './teams-message';

/** What is posted to a channel. */
export interface PlannedChat {
  id: string;
  workspaceId: string;
  channelId: string;
  eventId: string;
  requestId: string;
  /** The task that it asks about; null for news. */
  taskId: string | null;
  /** Whose channel it is; null for one that several people read. */
  personId: string | null;
  /** As it is sent but for the tokens of links. */
  body: string;
  links: KeptLink[];
  /** Not before; null for at once. */
  until: string | null;
}

const dayMs = 24 * 3_600_000;

/** By format. */
export const rendered = { slack: slackMessage, teams: teamsMessage } as const;

/** Where somebody has a channel of their own for a workflow. */
export const personalChannels = (
  audience: Audience,
  workspaceId: string,
  personId: string,
  workflow: string,
): Channel[] =>
  audience
    .channels(workspaceId)
    .filter(
      ({ userId, workflows }) => userId === personId && (workflows === null || workflows.includes(workflow)),
    );

type Told = readonly { event: TransitionEvent; letters: readonly Letter[] }[];

/** The messages of a transition: to people who want them, and to the channels of groups and of the workspace. */
export const planChats = (
  { request }: Pick<RequestTransitioned, 'request'>,
  told: Told,
  payload: unknown,
  publicUrl: string,
  audience: Audience,
  now: Date,
): PlannedChat[] => {
  const { workspaceId } = request;
  if (audience.channels(workspaceId).length === 0) return [];
  const workspace = audience.workspace(workspaceId);
  const base = { workspaceId, requestId: request.id };
  return told.flatMap(({ event, letters }) => {
    const happening: Happening = { request, event, payload, publicUrl };
    const personal = letters.flatMap(({ person, task, isUrgent, write }): PlannedChat[] => {
      const wants = preferencesFor(audience.preferences(workspaceId, person.id), request.workflow.key);
      const where = task ? wants.questions : wants.news;
      if (where !== 'chat' && where !== 'both') return [];
      const reader = readerOf(audience.reading(workspaceId, person.id), workspace);
      const quiet = { digest: null, quietHours: wants.quietHours, timezone: reader.timezone };
      const held = holdUntil(quiet, { isUrgent, dueAt: null }, now);
      return personalChannels(audience, workspaceId, person.id, request.workflow.key).map((channel) => {
        const link =
          task && workspace.decisionLinks
            ? {
                id: v7(),
                taskId: task.id,
                version: request.version,
                expiresAt: new Date(
                  (held?.until ?? now).getTime() + workspace.decisionLinkDays * dayMs,
                ).toISOString(),
              }
            : null;
        const content = write({ ...happening, reader, texts: mailTexts[reader.language], link });
        return {
          ...base,
          id: v7(),
          channelId: channel.id,
          eventId: event.id,
          taskId: task?.id ?? null,
          personId: person.id,
          body: rendered[channel.format](content, reader.language),
          links: link ? [link] : [],
          until: held?.until.toISOString() ?? null,
        };
      });
    });
    const placed = placeOf(happening);
    const reader = readerOf(null, workspace);
    const occasion = { ...happening, reader, texts: mailTexts[reader.language], link: null };
    let content: MailContent | null | undefined;
    const shared = audience
      .channels(workspaceId)
      .filter((channel) => reads(channel, happening, placed, audience))
      .flatMap((channel): PlannedChat[] => {
        content ??= channelContent(occasion, placed);
        if (!content) return [];
        return [
          {
            ...base,
            id: v7(),
            channelId: channel.id,
            eventId: event.id,
            taskId: null,
            personId: null,
            body: rendered[channel.format](content, reader.language),
            links: [],
            until: null,
          },
        ];
      });
    return [...personal, ...shared];
  });
};

const placeOf = ({ request, event }: Happening): PlacedTask | null => {
  if (!event.type.startsWith('task.') || event.taskId === null) return null;
  for (const stage of request.stages) {
    const task = stage.tasks.find(({ id }) => id === event.taskId);
    if (task) return { stage, task };
  }
  return null;
};

const reads = (
  { userId, group, workflows, events }: Channel,
  { request, event }: Happening,
  placed: PlacedTask | null,
  audience: Audience,
): boolean =>
  userId === null &&
  (workflows === null || workflows.includes(request.workflow.key)) &&
  matchesEvent(events, event.type) &&
  (group === null ||
    (placed !== null && audience.groups(request.workspaceId, placed.task.assignee.id).includes(group)));

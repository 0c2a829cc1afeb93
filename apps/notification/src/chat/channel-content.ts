import type { TaskSnapshot } from '@countersign/contracts';
import {
  dueFact,
  fact,
  nameOf,
  namesOf,
  peopleIn,
  requestFacts,
  requestLink,
  stageFact,
  summaryOf,
  textIn,
  type MailContent,
  type MailOccasion,
  type PlacedTask,
} from '../mail/mail-content';
import { isChannelEvent } from './channel-events';

/** What a channel that is nobody's own is told; null for what is no news to it. */
export const channelContent = (occasion: MailOccasion, placed: PlacedTask | null): MailContent | null => {
  const { request, event, texts } = occasion;
  const said = sentenceOf(occasion, placed?.task ?? null);
  if (said === null) return null;
  return {
    subject: `${said.subject}: ${request.title}`,
    greeting: '',
    sentences: [said.sentence],
    facts: [
      ...requestFacts(occasion),
      ...(placed ? [stageFact(occasion, placed.stage), ...dueFact(placed.task.dueAt, occasion)] : []),
      ...fact(texts.labels.why, textIn(event, 'reason')),
      ...fact(texts.labels.comment, textIn(event, 'comment') ?? placed?.task.comment),
    ],
    summary: event.type === 'task.assigned' || event.type === 'request.submitted' ? summaryOf(occasion) : [],
    decisions: [],
    decide: null,
    // Never a right to decide: everybody in the channel could use it.
    links: [requestLink(occasion)],
  };
};

const sentenceOf = (
  occasion: MailOccasion,
  task: TaskSnapshot | null,
): { subject: string; sentence: string } | null => {
  const { request, event, texts } = occasion;
  const { channel } = texts;
  if (!isChannelEvent(event.type)) return null;
  const requester = nameOf(request.requester);
  const assignee = task ? nameOf(task.assignee) : '';
  switch (event.type) {
    case 'request.submitted':
      return channel.submitted(requester);
    case 'request.approved':
    case 'request.rejected':
    case 'request.returned':
    case 'request.canceled':
    case 'request.expired':
    case 'request.failed':
      return channel.outcome(
        texts.outcomes[event.type.slice('request.'.length) as keyof typeof texts.outcomes].subject,
        requester,
      );
    case 'request.overridden': {
      const { subject } = texts.overridden[event.data.outcome === 'approved' ? 'approved' : 'rejected'];
      return channel.outcome(subject, requester);
    }
    case 'task.assigned':
      return channel.assigned(assignee, requester);
    case 'task.reminded':
      return channel.reminded(assignee, requester);
    case 'task.overdue':
      return channel.overdue(assignee, requester);
    case 'task.escalated':
      return channel.escalated(namesOf(peopleIn(event, 'to'), occasion), requester);
    case 'task.decided':
      return task?.decidedBy && task.decision
        ? channel.decided(nameOf(task.decidedBy), task.decision, requester)
        : null;
  }
};

import { eventPatterns, matchesEvent } from '@countersign/contracts';

/** What is news to readers of a channel. */
export const channelEvents = [
  'request.submitted',
  'request.approved',
  'request.rejected',
  'request.returned',
  'request.canceled',
  'request.expired',
  'request.failed',
  'request.overridden',
  'task.assigned',
  'task.reminded',
  'task.overdue',
  'task.escalated',
  'task.decided',
] as const;
export type ChannelEvent = (typeof channelEvents)[number];

export const isChannelEvent = (type: string): type is ChannelEvent =>
  (channelEvents as readonly string[]).includes(type);

const isOfTask = (type: string): boolean => type.startsWith('task.');

/** The patterns that something posted matches; to a group only what is about tasks of its members is. */
const patternsFor = (isGroups: boolean): string[] => {
  const types = channelEvents.filter((type) => !isGroups || isOfTask(type));
  return eventPatterns.filter((pattern) => types.some((type) => matchesEvent([pattern], type)));
};

export const workspacePatterns = patternsFor(false);
export const groupPatterns = patternsFor(true);

/** Of a workspace's channel, by default: how requests go. */
export const workspaceEvents: string[] = channelEvents.filter((type) => !isOfTask(type));
/** Of a group's: what its members are asked. */
export const groupEvents = ['task.assigned', 'task.overdue'];

/** Services that consume queues. The gateway consumes none; it only sends. */
export const consumers = ['intake', 'routing', 'approver-resolution', 'notification', 'audit'] as const;
export type ConsumerService = (typeof consumers)[number];
export const senders = ['gateway', ...consumers] as const;
export type ServiceName = (typeof senders)[number];

/** PostgreSQL schema of each service. Its application role is `countersign_<schema>`. */
export const schemaOf: Record<ServiceName, string> = {
  gateway: 'access',
  intake: 'intake',
  routing: 'routing',
  'approver-resolution': 'approver_resolution',
  notification: 'notification',
  audit: 'audit',
};

/** A queue is named after the service that consumes it; outside calls have queues of their own. */
export const queueOwner = {
  intake: 'intake',
  routing: 'routing',
  'approver-resolution': 'approver-resolution',
  'approver-resolution-webhook': 'approver-resolution',
  notification: 'notification',
  'notification-webhook': 'notification',
  'notification-email': 'notification',
  audit: 'audit',
} as const satisfies Record<string, ConsumerService>;
export type QueueName = keyof typeof queueOwner;

export const queuesOf = (service: ServiceName): QueueName[] =>
  (Object.keys(queueOwner) as QueueName[]).filter((queue) => queueOwner[queue] === service);

/**
 * Queues whose messages nobody waits for, with how long they may gather for a fuller job, in milliseconds: well below
 * the second within which a checkpoint covers what happened.
 */
export const unhurried: Partial<Record<QueueName, number>> = { audit: 200 };

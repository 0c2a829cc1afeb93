import type { Actor } from '@countersign/contracts';
import type { Sql } from '@countersign/persistence';
import { v7 } from 'uuid';
import type { EndpointFormat, EndpointRow } from '../endpoints/endpoint';

/** Type of the event that `POST …/test` sends; nothing else ever has it, so a receiver can tell it from a real one. */
export const testEventType = 'endpoint.test';

const bodyOf = (
  format: EndpointFormat,
  workspaceId: string,
  endpoint: EndpointRow,
  eventId: string,
  at: string,
  actor: Actor,
): string => {
  switch (format) {
    case 'standard':
      return JSON.stringify({
        type: testEventType,
        timestamp: at,
        data: { workspaceId, endpoint: { id: endpoint.id, url: endpoint.url }, actor },
      });
    case 'easylife':
      // The format has no room for a type: a request that does not exist, and says so.
      return JSON.stringify({
        requestId: eventId,
        title: 'Test of a webhook endpoint',
        reason: 'This request does not exist.',
        requestorId: endpoint.id,
        participants: [endpoint.id],
        stage: 0,
        totalStages: 1,
        templateId: endpoint.id,
        tenantId: workspaceId,
      });
  }
};

/** Makes a test event with one delivery, due now; answers the delivery's id. */
export const insertTestDelivery = async (
  sql: Sql,
  workspaceId: string,
  endpoint: EndpointRow,
  actor: Actor,
  cause: { correlationId: string; traceparent: string | null },
): Promise<string> => {
  const [eventId, deliveryId, at] = [v7(), v7(), new Date().toISOString()];
  const body = bodyOf(endpoint.format, workspaceId, endpoint, eventId, at, actor);
  const [standard, easylife] = endpoint.format === 'standard' ? [body, null] : [null, body];
  await sql.query(
    `WITH test_event AS (
       INSERT INTO event (id, workspace_id, type, at, standard, easylife) VALUES ($2, $3, $4, $5, $6, $7)
     )
     INSERT INTO delivery (id, workspace_id, endpoint_id, event_id, format, state, due_at, correlation_id, traceparent)
     VALUES ($1, $3, $8, $2, $9, 'pending', now(), $10, $11)`,
    [
      deliveryId,
      eventId,
      workspaceId,
      testEventType,
      at,
      standard,
      easylife,
      endpoint.id,
      endpoint.format,
      cause.correlationId,
      cause.traceparent,
    ],
  );
  return deliveryId;
};

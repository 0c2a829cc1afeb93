import type { DeliveryOutcome } from '@countersign/contracts';
import type { Ending } from '../trail/record-endings';
import type { AttemptOutcome } from './attempt';
import type { RecordedOutcome } from './record-outcomes';

/** A delivery that is over. */
export interface EndedDelivery extends Record<string, unknown> {
  id: string;
  workspace_id: string;
  endpoint_id: string;
  event_id: string;
  request_id: string | null;
  tries: number;
}

/** Of a table named `e`. */
export const deliveryColumns = 'e.id, e.workspace_id, e.endpoint_id, e.event_id, e.request_id, e.tries';

export const endingOf = (
  { id, workspace_id, endpoint_id, event_id, request_id, tries }: EndedDelivery,
  state: DeliveryOutcome,
  status: number | null,
): Ending => ({
  workspaceId: workspace_id,
  fact: {
    type: 'delivery.ended',
    requestId: request_id,
    content: {
      deliveryId: id,
      eventId: event_id,
      endpointId: endpoint_id,
      state,
      attempts: tries,
      status,
    },
  },
});

const outcomes = { succeeded: 'succeeded', failed: 'exhausted' } as const;

/** Of what was recorded about attempts, the deliveries that are over. */
export const endingsOf = (
  recorded: readonly RecordedOutcome[],
  attempts: readonly AttemptOutcome[],
): Ending[] => {
  const statuses = new Map(attempts.map(({ deliveryId, result }) => [deliveryId, result?.status ?? null]));
  return recorded.flatMap((one) =>
    one.state === 'pending' ? [] : [endingOf(one, outcomes[one.state], statuses.get(one.id) ?? null)],
  );
};

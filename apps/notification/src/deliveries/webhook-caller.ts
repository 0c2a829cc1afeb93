import { childSpan } from '@countersign/messaging';
import type { OutboundHttp, OutboundResult } from '@countersign/outbound-http';
import { signHeaders } from '@countersign/webhook-signature';
import type { EndpointSecrets } from '../endpoints/endpoint-secrets';
import type { LeasedDelivery } from './attempt';

/** From the first byte to the last (product §5). */
export const callTimeoutMs = 15_000;
/** More is not read; a short rest is, so that the connection can be used again. */
const maxResponseBytes = 16 * 1_024;

/** Makes one attempt: signed now, with every secret in force. */
export const callWebhook = (
  http: OutboundHttp,
  secrets: EndpointSecrets,
  delivery: LeasedDelivery,
  traceparent: string | null,
  at: Date,
  signal: AbortSignal,
): Promise<OutboundResult> => {
  const signature = signHeaders({
    id: delivery.event_id,
    timestamp: at,
    body: delivery.body,
    secrets: delivery.secrets.map((sealed) => secrets.open(delivery.endpoint_id, Buffer.from(sealed, 'hex'))),
  });
  return http.post({
    url: delivery.url,
    headers: { 'content-type': 'application/json', traceparent: childSpan(traceparent), ...signature },
    body: delivery.body,
    timeoutMs: callTimeoutMs,
    maxResponseBytes,
    signal,
  });
};

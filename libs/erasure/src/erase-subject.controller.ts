import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { everybody } from './erased-requests';
import { ErasureWorker } from './erasure-worker';

/** Writes down what is to be erased; from its commit on nothing about these requests is stored as it comes. */
@Controller()
export class EraseSubjectController {
  constructor(private readonly worker: ErasureWorker) {}

  @Handles('subject.erase.v1')
  async erase(messages: Message<'subject.erase.v1'>[], tx: Tx): Promise<void> {
    const erased = messages.flatMap(({ workspaceId, data: { subject, requests } }) =>
      requests.map(({ id, isRequester }) => ({
        workspaceId,
        id,
        isRequester,
        subject: subject ?? everybody,
      })),
    );
    if (erased.length > 0) {
      tx.write(
        `INSERT INTO erased_request (request_id, subject, workspace_id, is_requester)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[]) AS e (r, s, w, i) ORDER BY r, s ON CONFLICT DO NOTHING`,
        [
          erased.map(({ id }) => id),
          erased.map(({ subject }) => subject),
          erased.map(({ workspaceId }) => workspaceId),
          erased.map(({ isRequester }) => isRequester),
        ],
      );
    }
    tx.write(
      `INSERT INTO erasure_work (erasure_id, part, workspace_id, subject, requests, general, correlation_id)
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[], $5::json[], $6::boolean[], $7::uuid[]) ON CONFLICT DO NOTHING`,
      [
        messages.map(({ data }) => data.erasureId),
        messages.map(({ data }) => data.part),
        messages.map(({ workspaceId }) => workspaceId),
        messages.map(({ data }) => data.subject ?? null),
        messages.map(({ data }) => JSON.stringify(data.requests)),
        messages.map(({ data }) => data.general),
        messages.map(({ correlationId }) => correlationId),
      ],
    );
    tx.afterCommit(() => this.worker.wake());
  }
}

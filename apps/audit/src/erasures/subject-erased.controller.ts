import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { ErasureRunner } from './erasure-runner';

/** Notes which services are done with which part. */
@Controller()
export class SubjectErasedController {
  constructor(private readonly runner: ErasureRunner) {}

  @Handles('subject.erased.v1')
  async erased(messages: Message<'subject.erased.v1'>[], tx: Tx): Promise<void> {
    // In the order in which the runner locks: first the erasure.
    await tx.query('SELECT FROM erasure WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE', [
      messages.map(({ data }) => data.erasureId),
    ]);
    await tx.query(
      `UPDATE erasure_part p SET done_at = now(), counts = d.counts
         FROM unnest($1::uuid[], $2::int[], $3::text[], $4::json[]) AS d (erasure_id, part, service, counts)
        WHERE p.erasure_id = d.erasure_id AND p.part = d.part AND p.service = d.service AND p.done_at IS NULL`,
      [
        messages.map(({ data }) => data.erasureId),
        messages.map(({ data }) => data.part),
        messages.map(({ data }) => data.service),
        messages.map(({ data }) => JSON.stringify(data.counts)),
      ],
    );
    tx.write(
      `UPDATE erasure_request r SET state = 'done'
         FROM (SELECT DISTINCT erasure_id, part FROM unnest($1::uuid[], $2::int[]) AS d (erasure_id, part)) d
        WHERE r.erasure_id = d.erasure_id AND r.part = d.part AND r.state = 'sent'
          AND NOT EXISTS (SELECT FROM erasure_part p WHERE p.erasure_id = d.erasure_id AND p.part = d.part AND p.done_at IS NULL)`,
      [messages.map(({ data }) => data.erasureId), messages.map(({ data }) => data.part)],
    );
    tx.write('UPDATE erasure SET due_at = now() WHERE id = ANY ($1::uuid[]) AND due_at IS NOT NULL', [
      messages.map(({ data }) => data.erasureId),
    ]);
    tx.afterCommit(() => this.runner.wake());
  }
}

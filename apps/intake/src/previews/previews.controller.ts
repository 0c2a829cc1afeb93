import { Controller } from '@nestjs/common';
import { Handles, type Message, type Tx } from '@countersign/messaging';
import { Previews } from './previews';

/** Takes the directory's answers to questions who would approve. */
@Controller()
export class PreviewsController {
  constructor(private readonly previews: Previews) {}

  @Handles('approvers.previewed.v1')
  async previewed(messages: Message<'approvers.previewed.v1'>[], tx: Tx): Promise<void> {
    const answers = messages.map(({ data }) => data);
    // Kept for the process whose caller waits, which may be another one; a question that is gone needs no answer.
    tx.write(
      `UPDATE approver_question q SET answers = a.answers
         FROM unnest($1::uuid[], $2::json[]) AS a (id, answers) WHERE q.id = a.id`,
      [answers.map(({ questionId }) => questionId), answers.map((answer) => JSON.stringify(answer.answers))],
    );
    tx.afterCommit(() => this.previews.answered(answers));
  }
}

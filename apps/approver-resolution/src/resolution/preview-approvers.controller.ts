import { Controller } from '@nestjs/common';
import { catalogue, type QueueName } from '@countersign/contracts';
import { causeOf, Handles, PoisonMessage, type Message, type Tx } from '@countersign/messaging';
import { sourcesQuestion } from './resolution-question';
import { resolveSources } from './resolve-sources';

const askers: readonly string[] = catalogue['approvers.previewed.v1'].queues;

/** More people than this in one message are too many to be told of: it is answered with nothing. */
const mostApprovers = 20_000;

/** Says who would approve. Nothing is kept, and webhooks are not called. */
@Controller()
export class PreviewApproversController {
  @Handles('approvers.preview.v1')
  async preview(messages: Message<'approvers.preview.v1'>[], tx: Tx): Promise<void> {
    const asked = messages.map((message) => {
      const { workspaceId, data } = message;
      if (!askers.includes(data.asker)) throw new PoisonMessage(`${data.asker} shows no previews`);
      return { message, questions: data.questions.map((question) => sourcesQuestion(workspaceId, question)) };
    });
    const all = asked.flatMap(({ questions }) => questions);
    const answers = await resolveSources(
      tx,
      all.map((question) => ({ question, answers: {} })),
    );
    let next = 0;
    for (const { message, questions } of asked) {
      const { questionId, asker } = message.data;
      const own = answers.slice(next, (next += questions.length));
      const people = own.reduce((sum, { approvers }) => sum + approvers.length, 0);
      tx.publish({
        type: 'approvers.previewed.v1',
        workspaceId: message.workspaceId,
        cause: causeOf(message),
        to: [asker as QueueName],
        data: { questionId, answers: people > mostApprovers ? [] : own },
      });
    }
  }
}
